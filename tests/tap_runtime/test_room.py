"""The instance a room runs statements in: one tap's and one statement's, kept for some batches, told nothing once it is locked."""

import os
from pathlib import Path

import duckdb
import pytest

from tap_runtime.room import Room
from tap_runtime.settings import OutputColumn
from tap_runtime.spool import batches
from tests.tap_runtime.local_tap import LocalTap, MakeTap, column

NAMES = [f"c{number}" for number in range(33)]


def test_each_batch_of_a_kept_instance_has_its_own_rows(make_tap: MakeTap) -> None:
    tap = make_tap((column("x", "INTEGER"),), sql="select x, _request from events")
    lander = tap.lander()
    for number in range(1, 20):
        tap.post(b'{"x":%d}\n{"x":0}' % (100 + number))
        tap.acceptor.seal()
        ((name, batch),) = batches(tap.root / "spool", "sealed")
        os.utime(tap.root / "spool/clicks/sealed" / batch / "data.ndjson", (1e9, 1e9))
        landed = lander.land_spooled(name, batch)
        assert landed is not None and landed.counts.rows == 2
    assert tap.rows("select sum(x), count(*) from events_out") == [(sum(range(101, 120)), 38)]


def test_an_instance_is_one_taps_and_is_renewed(tmp_path: Path) -> None:
    room = Room(tmp_path / "room")
    room.clear()
    first = room.connection("clicks", 128)
    assert [room.connection("clicks", 128) is first for _ in range(8)] == [True] * 7 + [False]
    second = room.connection("clicks", 128)
    assert room.connection("orders", 128) is not second
    third = room.connection("orders", 128)
    room.give_up()
    assert room.connection("orders", 128) is not third


@pytest.mark.parametrize(
    ("sql", "memory_mb", "reserved"),
    [
        ("select x, upper(s) as s from events where x > 0", 128, "114.4 MiB"),
        ("select x, unnest([s, s]) as s from events", 128, "114.4 MiB"),
        ("select x, upper(s) as s from events", 512, "419.6 MiB"),
        ("select count(*) as x from events", 128, "53.4 MiB"),
        ("select distinct x from events", 128, "53.4 MiB"),
        ("select a.x from events a, events b", 128, "53.4 MiB"),
        ("select x, row_number() over () as n from events", 128, "53.4 MiB"),
    ],
)
def test_a_statement_that_holds_few_rows_at_a_time_may_reserve_more(make_tap: MakeTap, sql: str, memory_mb: int, reserved: str) -> None:
    assert reserves(make_tap((column("x", "INTEGER"), column("s", "VARCHAR")), sql=sql, memory_mb=memory_mb)) == reserved


def test_one_that_yields_many_columns_may_not_reserve_more(make_tap: MakeTap) -> None:
    sql = f"select {', '.join(f's as {name}' for name in NAMES)} from events"
    output = tuple(OutputColumn(name, "VARCHAR") for name in NAMES)
    assert reserves(make_tap((column("s", "VARCHAR"),), sql=sql, output=output)) == "53.4 MiB"


def reserves(tap: LocalTap) -> str:
    """What the instance that landed one batch of the tap may reserve; it can be told nothing more."""
    lander = tap.lander()
    tap.post(b'{"s":"a"}')
    tap.acceptor.seal()
    ((name, batch),) = batches(tap.root / "spool", "sealed")
    assert lander.land_spooled(name, batch) is not None
    connection = lander.room.connection(name, tap.settings.memory_mb, tap.settings.sql)
    with pytest.raises(duckdb.InvalidInputException, match="locked"):
        connection.execute("SET memory_limit='8GB'")
    ((limit,),) = connection.execute("SELECT current_setting('memory_limit')").fetchall()
    return str(limit)


def test_an_instance_is_for_one_statement(make_tap: MakeTap) -> None:
    room = Room(make_tap().root / "room")
    room.clear()
    ahead = room.connection("clicks", 128)
    assert room.connection("clicks", 128, "select 1") is ahead
    room.lock("select 1", lambda: True)
    assert room.connection("clicks", 128, "select 1") is ahead
    assert room.connection("clicks", 128, "select 2") is not ahead
