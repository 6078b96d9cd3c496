"""`tapmesh kit postgres` against a real server: every type and kind of change by both plugins, idling, beginning anew, going on."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kits.changes import TAPS, Kit, as_of_now, caught_up, difference, doubled, holds_much
from tests.kits.example import running as mesh_running
from tests.kits.postgres import Postgres, running
from tests.local.conftest import RunningMesh

COLUMNS = {
    "id": "bigint primary key",
    "small": "smallint",
    "whole": "numeric",
    "exact": "numeric(30, 10)",
    "share": "double precision",
    "half": "real",
    "good": "boolean",
    "at": "timestamptz",
    "local": "timestamp",
    "day": "date",
    "span": "interval",
    "raw": "bytea",
    "doc": "jsonb",
    "mood": "mood",
    "name": "text",
    "code": "char(5)",
    "uid": "uuid",
    "numbers": "int[]",
    "grid": "numeric[]",
    "moods": "mood[]",
    "blobs": "bytea[]",
    "host": "inet",
    "span2": "int4range",
    '"Odd ""name"""': "text",
}
FULL = (
    "(%s, -7, 123456789012345678901234567890.5, 0.0000000001, 0.1, 1.1, true, '2026-11-23 10:00:00.123456+02',"
    " '2026-11-23 10:00', '1999-12-31',"
    " '1 day 02:03:04', '\\x00ff', '{\"b\": [1.00, 1e400]}', 'sad', E'x\\té\"\\\\\\n\\u2028', 'ab', 'e8a2bcb3-7ddf-4e2c-9903-47ac75b32814',"
    " '{1,NULL,3}', '{{1.10,2},{3,4}}', '{ok,sad}', array['\\x01'::bytea, null], '10.0.0.1', '[1,3)', 'odd')"
)


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with running() as started:
        started.ask("create type mood as enum ('ok', 'sad')")
        yield started


@pytest.fixture
def mesh(tmp_path: Path) -> Iterator[RunningMesh]:
    with mesh_running(tmp_path, TAPS) as started:
        yield started


@pytest.fixture
def kit(server: Postgres, mesh: RunningMesh) -> Iterator[Callable[..., Kit]]:
    """Starts kits; they, their slots and tables are gone afterwards."""
    kits: list[Kit] = []

    def started(tables: list[str], *words: str) -> Kit:
        kits.append(Kit(mesh, server, tables, *words))
        kits[-1].start()
        return kits[-1]

    yield started
    for each in kits:
        each.kill()
    mesh.wait_for(lambda: server.ask("select 1 from pg_replication_slots where active") == [], "the slots to be let go")
    server.ask("select pg_drop_replication_slot(slot_name) from pg_replication_slots")
    for (table,) in server.ask("select tablename from pg_tables where schemaname = 'public'"):
        server.ask(f'drop table "{table}"')
    for (name,) in server.ask("select pubname from pg_publication"):
        server.ask(f"drop publication {name}")


def wide(server: Postgres) -> None:
    server.ask(f"create table wide ({', '.join(f'{name} {kind}' for name, kind in COLUMNS.items())})")
    server.ask("alter table wide alter name set storage external")
    server.ask(f"insert into wide values {FULL % 1}, {FULL % 2}")
    server.ask("insert into wide (id, numbers) values (3, '{}')")


def log(mesh: RunningMesh) -> list[dict[str, Any]]:
    """All changes in their order, with key and row as values."""
    rows = mesh.query('select lsn, n, action, table_name, key, "row" from changes order by position, n')
    return [{**row, "key": json.loads(row["key"] or "null"), "row": json.loads(row["row"] or "null")} for row in rows]


@pytest.mark.parametrize("plugin", ["wal2json", "pgoutput"])
def test_every_type_and_kind_of_change_comes_back_as_it_was(
    server: Postgres, mesh: RunningMesh, kit: Callable[..., Kit], plugin: str
) -> None:
    wide(server)
    follows = kit(["wide"], "--plugin", plugin)
    mesh.wait_for(lambda: f"made the slot tapmesh ({plugin})" in follows.log.read_text(), "the slot")
    caught_up(server, mesh, follows)
    server.ask(f"begin; insert into wide values {FULL % 4}; update wide set good = false where id in (1, 4); commit")
    server.ask("update wide set id = 20, name = repeat('long', 1000) where id = 2")
    server.ask("begin; update wide set name = 'undone'; rollback")
    server.ask("delete from wide where id = 3")
    caught_up(server, mesh, follows)
    assert follows.stop() == 0, follows.log.read_text()
    mesh.wait_for(lambda: len(log(mesh)) == 9, "all changes")
    assert difference(server, mesh, "wide", ["id"]) == []
    found = log(mesh)
    assert [(row["action"], (row["row"] or {}).get("id"), row["key"]) for row in found] == [
        ("T", None, None),
        ("S", 1, None),
        ("S", 2, None),
        ("S", 3, None),
        ("I", 4, None),
        ("U", 1, {"id": 1}),
        ("U", 4, {"id": 4}),
        ("U", 20, {"id": 2}),
        ("D", None, {"id": 3}),
    ]
    assert [row["n"] for row in found] == [1, 2, 3, 4, 1, 2, 3, 1, 1]
    assert len({row["lsn"] for row in found}) == 4  # the copy and three transactions
    copied, inserted = found[1]["row"], found[4]["row"]
    assert {**copied, "id": 4} == inserted
    assert (inserted["whole"], inserted["share"], inserted["numbers"], inserted["grid"]) == (
        "123456789012345678901234567890.5",
        0.1,
        [1, None, 3],
        [["1.10", "2"], ["3", "4"]],
    )
    assert (inserted["at"], inserted["raw"], inserted["doc"][:13]) == ("2026-11-23 08:00:00.123456+00", "\\x00ff", '{"b": [1.00, ')
    assert doubled(mesh) == []


@pytest.mark.parametrize("plugin", ["wal2json", "pgoutput"])
def test_what_stays_in_toast_is_left_out_or_with_replica_identity_full_filled_in(
    server: Postgres, mesh: RunningMesh, kit: Callable[..., Kit], plugin: str
) -> None:
    for table in ("brief", "whole"):
        server.ask(f"create table {table} (id int primary key, note text, n int); alter table {table} alter note set storage external")
    server.ask("alter table whole replica identity full")
    follows = kit(["brief", "whole"], "--plugin", plugin, "--no-snapshot")
    mesh.wait_for(lambda: server.ask("select 1 from pg_replication_slots where active") != [], "the slot")
    for table in ("brief", "whole"):
        server.ask(f"insert into {table} values (1, repeat('x', 5000), null)")
        server.ask(f"update {table} set n = 1")
    server.ask("truncate brief, whole")
    caught_up(server, mesh, follows)
    mesh.wait_for(lambda: len(log(mesh)) == 6, "all changes")
    brief, whole = (
        next(row["row"] for row in log(mesh) if row["action"] == "U" and row["table_name"] == name) for name in ("brief", "whole")
    )
    assert (brief, whole) == ({"id": 1, "n": 1}, {"id": 1, "note": "x" * 5000, "n": 1})
    assert [(row["action"], row["table_name"]) for row in log(mesh)[-2:]] == [("T", "brief"), ("T", "whole")]
    assert mesh.query(as_of_now("whole", ["id"])) == []


def test_an_idle_table_holds_no_wal_back(server: Postgres, mesh: RunningMesh, kit: Callable[..., Kit]) -> None:
    server.ask("create table quiet (id int primary key); create table busy (id int primary key)")
    follows = kit(["quiet"])
    caught_up(server, mesh, follows)
    for _ in range(3):
        server.ask("insert into busy select g + (select count(*) from busy) from generate_series(1, 1000) g")
        caught_up(server, mesh, follows)
    assert server.ask(
        "select pg_size_bytes(pg_size_pretty(pg_current_wal_lsn() - confirmed_flush_lsn)) < 100000 from pg_replication_slots"
    ) == [(True,)]


def test_nothing_is_confirmed_before_it_is_stored(server: Postgres, mesh: RunningMesh, kit: Callable[..., Kit]) -> None:
    server.ask("create table items (id int primary key); insert into items values (1)")
    first = kit(["items"])
    caught_up(server, mesh, first)
    mesh.stop(signal.SIGKILL)
    server.ask("insert into items values (2)")
    ((inserted,),) = server.ask("select pg_current_wal_lsn()::text")
    mesh.wait_for(lambda: "cannot be reached" in first.log.read_text(), "the batch to be under way")
    server.ask("insert into items values (3)")
    time.sleep(6)  # it tells PostgreSQL every five seconds that it lives
    assert server.ask("select confirmed_flush_lsn < %s::pg_lsn from pg_replication_slots", inserted) == [(True,)]
    first.kill()
    mesh.start()
    second = kit(["items"])
    caught_up(server, mesh, second)
    assert second.stop() == 0
    mesh.stop()
    assert (difference(server, mesh, "items", ["id"]), doubled(mesh)) == ([], [])


def test_it_goes_on_where_it_was_and_says_when_its_slot_is_gone(server: Postgres, mesh: RunningMesh, kit: Callable[..., Kit]) -> None:
    server.ask("create table items (id int primary key); insert into items values (1)")
    first = kit(["items"])
    caught_up(server, mesh, first)
    assert first.stop() == 0
    server.ask("insert into items values (2)")
    second = kit(["items"])
    caught_up(server, mesh, second)
    assert second.stop() == 0
    assert "going on with the slot tapmesh (wal2json)\n1 records delivered" in second.log.read_text()
    server.ask("select pg_drop_replication_slot('tapmesh')")
    server.ask("delete from items where id = 1")
    third = kit(["items"])
    assert third.process is not None
    assert third.process.wait(60) == 1
    said = third.log.read_text()
    assert "error: the slot tapmesh is gone, and with it the changes since the last start\nhint: --anew begins again" in said
    fourth = kit(["items"], "--anew")
    caught_up(server, mesh, fourth)
    assert fourth.stop() == 0
    mesh.wait_for(lambda: [row["action"] for row in log(mesh)] == ["T", "S", "I", "T", "S"], "all changes")
    assert difference(server, mesh, "items", ["id"]) == []


def test_a_copy_that_was_interrupted_begins_again(server: Postgres, mesh: RunningMesh, kit: Callable[..., Kit]) -> None:
    """The second copy lacks rows of the first; what stands for now knows of the second only."""
    server.ask("create table big (id int primary key, note text)")
    server.ask("insert into big select g, repeat('x', 300) from generate_series(1, 30000) g")
    first, segments = kit(["big"]), mesh.folder / ".mesh/lake/_mesh/stored/changes"
    mesh.wait_for(lambda: holds_much(segments), "the first batch")
    first.kill()
    mesh.wait_for(lambda: server.ask("select 1 from pg_stat_activity where query like 'FETCH%'") == [], "the copy's end")
    server.ask("delete from big where id <= 10")
    second = kit(["big"])
    caught_up(server, mesh, second)
    assert second.stop() == 0
    mesh.stop()
    copied = mesh.query("select lsn, count(*) as n from changes where action = 'S' group by lsn order by max(position)")
    assert (0 < copied[0]["n"] < 30_000, copied[1:]) == (True, [{"lsn": copied[-1]["lsn"], "n": 29_990}])
    assert difference(server, mesh, "big", ["id"]) == []


def test_a_buffered_tap_is_refused_before_anything_is_asked_of_the_database(mesh: RunningMesh, server: Postgres) -> None:
    command = Kit(mesh, server, ["items"]).command
    url = f"http://127.0.0.1:{mesh.port}/taps/buffered"
    said = subprocess.run([*command, "--url", url], capture_output=True, text=True, timeout=60)
    assert (said.returncode, "is buffered: it may lose what the kit would not send again" in said.stderr) == (1, True)
    assert server.ask("select 1 from pg_replication_slots") == []
