"""What a team's SQL can reach: its own records, nothing else; and what becomes of a batch whose SQL fails."""

from pathlib import Path

import duckdb
import pytest

from tap_runtime import sandbox
from tap_runtime.errors import SqlRefused
from tests.tap_runtime.conftest import MakeTap

REFUSED = [
    "select 1; select 2",
    "select * from events where user = $1",
    "copy events to '/tmp/escaped'",
    "with x as (copy events to '/tmp/escaped') select * from x",
    "with x as (insert into events values (1) returning *) select * from x",
    "with x as (delete from events returning *) select * from x",
    "select * from read_text('/etc/passwd')",
    "select * from read_csv('/etc/passwd')",
    "select * from read_json_auto('../data.ndjson')",
    "select * from '/etc/passwd'",
    'select * from "/proc/self/environ"',
    "from glob('/*')",
    "select * from query('select 1')",
    "select * from query_table('events')",
    "select * from json_execute_serialized_sql('x')",
    "select current_setting('memory_limit')",
    "select getvariable('x')",
    "select sleep_ms(1000)",
    "select pg_sleep(1)",
    "select * from duckdb_secrets()",
    "select * from duckdb_settings()",
    "select * from pragma_database_list",
    "select * from sqlite_master",
    "select * from information_schema.tables",
    "select * from main.events",
    "select * from parquet_metadata('x')",
    "select * from arrow_scan(1, 2, 3)",
    "select 'x'.read_text()",
    "select write_log('x')",
    "attach 'x.db'",
    "install httpfs",
    "load httpfs",
    "set memory_limit='8GB'",
    "create secret (type s3)",
    "pragma database_list",
    "call enable_logging()",
    "describe events",
    "select * from (show tables)",
    "summarize events",
    "pivot events on user using count(*)",
    "explain select 1",
    "",
]
ALLOWED = [
    "select * from events",
    "from events",
    "with a as (select user from events) select user, count(*) as n from a group by all",
    "select unnest([user, 'x']) as u from events",
    "select * from events, range(3) as t(i)",
    "pivot events on user in ('a') using count(*)",
    "with recursive r(n) as (select 1 union all select n + 1 from r where n < 3) select n from r",
]


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    connection = sandbox.connect(128)
    sandbox.lock(connection)
    connection.execute("create view events as select 'a' as user, 1 as x")
    return connection


@pytest.mark.parametrize("sql", REFUSED)
def test_an_escape_is_refused_before_it_runs(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    with pytest.raises(SqlRefused, match="."):
        sandbox.check_statement(connection, sql)


@pytest.mark.parametrize("sql", ALLOWED)
def test_what_teams_write_is_allowed_and_runs(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    sandbox.check_statement(connection, sql)
    assert connection.execute(f"SELECT * FROM (\n{sql}\n)").fetchall()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_text('{folder}/../outside')",
        "SELECT * FROM read_text('{folder}/link')",
        "COPY (SELECT 1) TO '{folder}/../escaped'",
        "COPY (SELECT 1) TO '{data}'",
        "ATTACH '{folder}/../x.db'",
        "SET lock_configuration=false",
        "SET enable_external_access=true",
        "SET memory_limit='8GB'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT * FROM read_csv('http://127.0.0.1:1/x')",
    ],
)
def test_the_locked_instance_refuses_even_what_the_walk_never_lets_through(tmp_path: Path, sql: str) -> None:
    data, out = tmp_path / "data.ndjson", tmp_path / "out"
    out.mkdir()
    data.write_text("{}\n")
    (tmp_path / "outside").write_text("secret")
    (out / "link").symlink_to(tmp_path / "outside")
    connection = sandbox.connect(128)
    sandbox.lock(connection, reads=data, writes=out)
    with pytest.raises(duckdb.Error, match="."):
        connection.execute(sql.format(folder=out, data=data)).fetchall()
    assert data.read_text() == "{}\n"


def test_a_statement_that_fails_on_some_rows_lands_the_others(make_tap: MakeTap) -> None:
    tap = make_tap(sql="select user, (case when x = 7 then 'seven' else x::varchar end)::integer as x from events")
    tap.post("".join(f'{{"user":"u","x":{number}}}\n' for number in [*range(500), 7, 7]).encode())
    manifest = tap.land()
    assert (manifest.counts.rows, manifest.counts.quarantined) == (499, 3)
    assert tap.rows("select count(*), min(x), max(x) from events_out") == [(499, 0, 499)]
    assert {entry["record"] for entry in tap.quarantined()} == {'{"user":"u","x":7}'}


def test_a_statement_that_fails_on_rows_but_is_not_row_wise_quarantines_the_batch(make_tap: MakeTap) -> None:
    tap = make_tap(sql="select sum(user::integer) as total from events")
    tap.post(b'{"user":"1"}\n{"user":"x"}\n')
    manifest = tap.land()
    assert (manifest.counts.rows, manifest.counts.quarantined) == (0, 2)


def test_a_statement_that_no_longer_binds_quarantines_the_batch(make_tap: MakeTap) -> None:
    tap = make_tap(sql="select gone from events")
    tap.post(b'{"user":"1"}\n')
    assert tap.land().counts.quarantined == 1
    assert "gone" in tap.reasons()[0]


def test_more_bad_rows_than_can_be_told_apart_are_quarantined_and_none_is_lost(make_tap: MakeTap) -> None:
    tap = make_tap(sql="select (case when x % 5 = 0 then 'bad' else '1' end)::integer as x from events")
    tap.post("".join(f'{{"x":{number}}}\n' for number in range(3000)).encode())
    manifest = tap.land()
    assert manifest.counts.rows + manifest.counts.quarantined == 3000
    assert manifest.counts.quarantined >= 600
