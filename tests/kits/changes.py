"""The PostgreSQL kit at work: a mesh with a tap for changes, the kit as a process, tables rebuilt from the lake."""

import json
import subprocess
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extras import execute_values

from tests.kits.example import HEAD
from tests.kits.postgres import Postgres
from tests.local.conftest import RunningMesh

TAPS = (
    HEAD
    + """\
  changes:
    ack: stored
    schema:
      lsn: VARCHAR NOT NULL
      n: BIGINT NOT NULL
      action: VARCHAR NOT NULL
      committed_at: TIMESTAMPTZ
      schema_name: VARCHAR
      table_name: VARCHAR
      key: JSON
      row: JSON
    sql: >-
      select *, ('0x' || split_part(lsn, '/', 1))::bigint * 4294967296 + ('0x' || split_part(lsn, '/', 2))::bigint as position from events
  buffered: {}
"""
)


class Kit:
    """`tapmesh kit postgres` of some tables; `log` has what it said."""

    def __init__(self, mesh: RunningMesh, server: Postgres, tables: list[str], *words: str) -> None:
        named = [word for table in tables for word in ("--table", table)]
        url = f"http://127.0.0.1:{mesh.port}/taps/changes"
        words = ("--from", server.url(), *named, "--to", "changes", "--url", url, *words)
        self.command = mesh.command("kit", "postgres", *words, "--file", str(mesh.file))
        self._folder, self.log = mesh.folder, mesh.folder / "kit.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)

    def point(self) -> list[int]:
        """The place of the last change that was sent."""
        try:
            head = (self._folder / ".mesh/kits/postgres-tapmesh.json").read_bytes().partition(b"\n")[0]
            return list(json.loads(head)["point"])
        except FileNotFoundError:  # not there yet, or forgotten to begin the copy anew
            return [0, 0]

    def kill(self) -> None:
        """-9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(60)


def caught_up(server: Postgres, mesh: RunningMesh, kit: Kit, slot: str = "tapmesh") -> None:
    """Waits until PostgreSQL was told that everything there is now is stored; a slot that was just made begins before that."""
    made = "select 1 from pg_replication_slots where slot_name = %s and confirmed_flush_lsn is not null"
    mesh.wait_for(lambda: server.ask(made, slot) != [], "the slot", within_s=60)
    server.ask("select txid_current()")
    ((now,),) = server.ask("select pg_current_wal_lsn()::text")
    behind = "select not active or confirmed_flush_lsn < %s::pg_lsn from pg_replication_slots where slot_name = %s"

    def there() -> bool:
        assert kit.process is not None
        assert kit.process.poll() is None, kit.log.read_text()
        return server.ask(behind, now, slot) == [(False,)]

    mesh.wait_for(there, f"the kit to catch up\n{kit.log.read_text()}", within_s=120)


def holds_much(segments: Path) -> bool:
    """Whether a segment of many rows is there: the kit's first, empty request makes one too."""
    try:
        return any(each.stat().st_size > 100_000 for each in segments.rglob("0*"))
    except FileNotFoundError:  # landed meanwhile
        return False


def as_of_now(table: str, keys: list[str]) -> str:
    """A question to the lake: the rows of a table as JSON. Without keys rows are only added."""
    names = "[" + ", ".join(f"'{key}'" for key in keys) + "]"
    of_row, of_key = (f"list_transform({names}, lambda name: {column} ->> name)" for column in ('"row"', '"key"'))
    newest = "qualify row_number() over (partition by id order by position desc, n desc, gone) = 1" if keys else ""
    return f"""
    with log as (from changes where table_name = '{table}'),
    last as (select coalesce(max((position, n)), (0, 0)) as emptied from log where action = 'T'),
    since as (select log.* from log, last where action <> 'T' and (position, n) > emptied),
    steps as (
      select position, n, {of_row} as id, "row" as record, false as gone from since where action <> 'D'
      union all
      select position, n, {of_key}, null, true from since where action = 'D' or (action = 'U' and {of_key} <> {of_row})
    )
    select record from (from steps {newest}) where not gone
    """


def difference(server: Postgres, mesh: RunningMesh, table: str, keys: list[str]) -> list[tuple[Any, ...]]:
    """Rows that are only in the database or only in the lake, by PostgreSQL's own comparison of all columns."""
    rows = [(row["record"],) for row in mesh.query(as_of_now(table, keys))]
    server.ask(f"drop table if exists rebuilt; create table rebuilt as select * from {table} limit 0")
    connection = psycopg2.connect(server.url())
    with connection, connection.cursor() as cursor:
        template = f"(json_populate_record(null::{table}, %s::json))"
        execute_values(cursor, "insert into rebuilt select (r).* from (values %s) as v(r)", rows, template, 500) if rows else None
    connection.close()
    for (column,) in server.ask("select attname from pg_attribute where attrelid = 'rebuilt'::regclass and atttypid = 'jsonb'::regtype"):
        server.ask(f"update rebuilt set {column} = ({column} #>> '{{}}')::jsonb")  # the kit's words of it, which came back as a string
    return server.ask(
        f"(select 'database', * from (table {table} except all table rebuilt) a) union all"
        f"(select 'lake', * from (table rebuilt except all table {table}) b) limit 10"
    )


def doubled(mesh: RunningMesh) -> list[dict[str, Any]]:
    """Changes that are in the lake more than once."""
    return mesh.query("select lsn, n, count(*) as times from changes group by all having times > 1 limit 10")
