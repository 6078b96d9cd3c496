"""The tables that are followed, looked up before anything else: there, plain, and with something that tells their rows apart."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mesh.kits.delivery import KitFailed

_FOUND = """
select c.relkind, c.relreplident, exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)
from pg_class c join pg_namespace s on s.oid = c.relnamespace where s.nspname = %s and c.relname = %s"""
_ALL = """
select s.nspname || '.' || c.relname from pg_class c join pg_namespace s on s.oid = c.relnamespace
where c.relkind = 'r' and s.nspname not in ('pg_catalog', 'information_schema') order by 1 limit 20"""


@dataclass(frozen=True, order=True)
class Table:
    """A table's two names."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    def quoted(self) -> str:
        """As SQL has it."""
        return ".".join('"' + part.replace('"', '""') + '"' for part in (self.schema, self.name))

    def escaped(self) -> str:
        """As wal2json has it."""
        return ".".join(re.sub(r"([ ',.*\\])", r"\\\1", part) for part in (self.schema, self.name))


def table(text: str) -> Table:
    """`orders` or `shop.orders`."""
    schema, dot, name = text.rpartition(".")
    return Table(schema if dot else "public", name)


def check(cursor: Any, tables: Sequence[Table]) -> None:
    """Raises KitFailed for the first table that could not be followed without losing anything."""
    for each in tables:
        cursor.execute(_FOUND, (each.schema, each.name))
        found = cursor.fetchone()
        if found is None:
            cursor.execute(_ALL)
            raise KitFailed(f"--table {each}: no such table", f"tables there: {', '.join(name for (name,) in cursor.fetchall())}")
        kind, identity, has_key = found
        if kind != "r":
            raise KitFailed(f"--table {each}: not a plain table", "name tables, or the partitions of one")
        if identity == "n" or (identity == "d" and not has_key):
            hint = f"give it a primary key, or: ALTER TABLE {each.quoted()} REPLICA IDENTITY FULL"
            raise KitFailed(f"{each} has no primary key: PostgreSQL would not tell which row an update or a delete was of", hint)
