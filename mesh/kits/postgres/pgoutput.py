"""PostgreSQL's own plugin, protocol version 1: https://www.postgresql.org/docs/15/protocol-logicalrep-message-formats.html"""

import datetime as dt
import struct
from collections.abc import Callable
from dataclasses import dataclass

from mesh.kits.postgres.changes import Begin, Commit, Message, Row, Values, filled, moment, value

_EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
Kinds = Callable[[int, int], str]
"""(type's oid, modifier) -> its name as format_type() has it."""


def options(publication: str) -> dict[str, str]:
    """What START_REPLICATION is given."""
    return {"proto_version": "1", "publication_names": f'"{publication.replace(chr(34), chr(34) * 2)}"'}


@dataclass(frozen=True)
class _Column:
    name: str
    kind: str
    of_key: bool


@dataclass(frozen=True)
class _Relation:
    schema: str
    table: str
    columns: tuple[_Column, ...]


class _Cursor:
    """Reads a message from its front."""

    def __init__(self, payload: bytes) -> None:
        self._payload, self._at = payload, 0

    def number(self, code: str) -> int:
        (found,) = struct.unpack_from(f">{code}", self._payload, self._at)
        self._at += struct.calcsize(f">{code}")
        return int(found)

    def letter(self) -> str:
        return chr(self.number("B"))

    def bytes(self, count: int) -> bytes:
        self._at += count
        return self._payload[self._at - count : self._at]

    def string(self) -> str:
        end = self._payload.index(b"\0", self._at)
        found = self.bytes(end - self._at).decode()
        self._at += 1
        return found


class PgOutput:
    """Reads its messages; a table is described once, before the first change of it."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._relations: dict[int, _Relation] = {}

    def read(self, payload: bytes) -> list[Message]:
        """A payload's messages: one for most, a truncate's for each table, none of a kind that is not ours."""
        at = _Cursor(payload)
        match at.letter():
            case "B":
                lsn, micros = at.number("Q"), at.number("q")
                return [Begin(lsn, moment(_EPOCH + dt.timedelta(microseconds=micros)))]
            case "C":
                at.bytes(9)  # flags, the commit's LSN
                return [Commit(at.number("Q"))]
            case "R":
                number, relation = self._relation(at)
                self._relations[number] = relation
            case "T":
                count, _ = at.number("I"), at.number("B")
                truncated = [self._relations[at.number("I")] for _ in range(count)]
                return [Row("T", relation.schema, relation.table) for relation in truncated]
            case "I" | "U" | "D" as action:
                return [_change(action, self._relations[at.number("I")], at)]
        return []

    def _relation(self, at: _Cursor) -> tuple[int, _Relation]:
        number, schema, table = at.number("I"), at.string(), at.string()
        at.letter()
        columns = []
        for _ in range(at.number("H")):
            of_key, name = at.number("B"), at.string()
            columns.append(_Column(name, self._kinds(at.number("I"), at.number("i")), bool(of_key)))
        return number, _Relation(schema or "pg_catalog", table, tuple(columns))


def _change(action: str, relation: _Relation, at: _Cursor) -> Row:
    key: Values | None = None
    which = at.letter()
    if which in "KO":
        found = _tuple(relation, at)
        key = {name: of for name, of in found.items() if which == "O" or name in _key(relation)}
        which = "" if action == "D" else at.letter()
    if which != "N":
        return Row(action, relation.schema, relation.table, key)
    row = _tuple(relation, at)
    if action == "U" and key is None:  # it did not change
        key = {name: of for name, of in row.items() if name in _key(relation)}
    return Row(action, relation.schema, relation.table, key, row if key is None else filled(row, key))


def _key(relation: _Relation) -> set[str]:
    return {column.name for column in relation.columns if column.of_key}


def _tuple(relation: _Relation, at: _Cursor) -> Values:
    values: Values = {}
    assert at.number("H") == len(relation.columns)
    for column in relation.columns:
        match at.letter():
            case "n":
                values[column.name] = None
            case "t":
                values[column.name] = value(column.kind, at.bytes(at.number("I")).decode())
    return values
