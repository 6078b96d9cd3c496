"""What a team's SQL can reach: its own records, nothing else; the check and the locked instance each hold alone."""

from pathlib import Path

import duckdb
import pytest

from tap_runtime import events, sandbox
from tap_runtime.errors import SqlRefused
from tap_runtime.statement import check_statement
from tests.tap_runtime.local_tap import settings

ESCAPES = [
    "select * from read_csv('/etc/passwd')",
    "select * from read_text('/proc/self/environ')",
    "select * from read_blob('/etc/passwd')",
    "select * from read_json('/etc/passwd')",
    "select * from '/etc/passwd'",
    'select * from "/etc/passwd"',
    "select * from '../data.ndjson'",
    "select * from 'https://example.org/a.parquet'",
    "select * from glob('/etc/*')",
    "select * from sniff_csv('/etc/passwd')",
    "select * from parquet_metadata('/tmp/a')",
    "with x as (copy (select 1) to '/tmp/escaped') select * from x",
    "with x as (insert into events values (1) returning *) select * from x",
    "with x as (delete from events returning *) select * from x",
    "copy events to '/tmp/escaped'",
    "attach '/tmp/escaped.db' as escaped",
    "install httpfs",
    "load httpfs",
    "set memory_limit='1TB'",
    "reset memory_limit",
    "pragma database_list",
    "pragma_database_list",
    "create secret s (type s3)",
    "select * from duckdb_secrets()",
    "select * from duckdb_settings()",
    "select * from which_secret('s3://a', 's3')",
    "select * from pragma_table_info('events')",
    "select getvariable('x')",
    "select current_setting('temp_directory')",
    "select sleep_ms(100000)",
    "select * from query('select 1')",
    "select * from query_table('events')",
    "from json_execute_serialized_sql(json_serialize_sql('select 1'))",
    "select * from information_schema.tables",
    "select * from pg_catalog.pg_tables",
    "select * from main.events",
    "select * from sqlite_master",
    "select * from seq_scan('events')",
    "call pragma_version()",
    "explain select 1",
    "describe events",
    "from (show tables)",
    "select (select content from read_text('/etc/passwd'))",
    "select * from events where exists (from '/etc/passwd')",
    "select * from events union all by name from read_csv('/etc/passwd')",
    "export database '/tmp/escaped'",
    "import database '/tmp/escaped'",
    "checkpoint",
    "create macro m() as 1",
    "select 1; select 2",
    "select 1; copy events to '/tmp/escaped'",
    "select $1",
    "select ?",
    "select $name",
    "select",
    "",
    "-- nothing",
    "select 1) to '/tmp/escaped' (format csv); --",
    "pivot events on user",
    "select * from events where user = $1",
    "with x as (copy events to '/tmp/escaped') select * from x",
    "select * from read_text('/etc/passwd')",
    "select * from read_json_auto('../data.ndjson')",
    'select * from "/proc/self/environ"',
    "from glob('/*')",
    "select * from json_execute_serialized_sql('x')",
    "select current_setting('memory_limit')",
    "select sleep_ms(1000)",
    "select pg_sleep(1)",
    "select * from pragma_database_list",
    "select * from parquet_metadata('x')",
    "select * from arrow_scan(1, 2, 3)",
    "select 'x'.read_text()",
    "select write_log('x')",
    "attach 'x.db'",
    "set memory_limit='8GB'",
    "create secret (type s3)",
    "call enable_logging()",
    "select * from (show tables)",
    "summarize events",
    "pivot events on user using count(*)",
]
ALLOWED = [
    "select * from events",
    "from events",
    'with x as (select * from events) select * from x join x y using ("user")',
    "with recursive n(i) as (select 1 union all select i + 1 from n where i < 3) select i, x from n, events",
    'with a as (select "user" from events) select "user", count(*) as n from a group by all',
    "select unnest(range(3)) from events",
    "select * from events, range(3) as t(i)",
    "from events select count(*) filter (x > 1) over ()",
    "pivot events on \"user\" in ('a', 'b') using count(*)",
    "select list_transform([1], lambda y: y + x) from events;",
    "select x, row_number() over (order by x) from events qualify true",
]


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    """A locked instance with one event."""
    connection = sandbox.connect(128)
    sandbox.lock(connection)
    connection.execute("create view events as select 'a' as user, 1 as x")
    return connection


@pytest.mark.parametrize("sql", ESCAPES)
def test_an_escape_is_refused_before_it_runs(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    with pytest.raises(SqlRefused, match="."):
        check_statement(connection, sql)


@pytest.mark.parametrize("sql", ["from read_text('/etc/passwd')", "copy (select 1) to '/tmp/escaped'", "attach '/tmp/escaped'"])
def test_a_locked_instance_that_was_let_nothing_reaches_nothing(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    with pytest.raises(duckdb.PermissionException, match="disabled"):
        connection.execute(sql)
    assert not Path("/tmp/escaped").exists()


@pytest.mark.parametrize("sql", ALLOWED)
def test_what_teams_write_is_allowed_and_runs(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    assert check_statement(connection, sql).sql == sql
    assert connection.execute(f"SELECT * FROM (\n{sql.removesuffix(';')}\n)").fetchall()


@pytest.mark.parametrize(
    "sql",
    [
        sql
        for sql in ESCAPES
        if ("/" in sql and "which_secret" not in sql) or sql.startswith(("set", "reset", "install", "load", "create secret"))
    ],
)
def test_the_instance_stops_what_the_check_would_miss(tmp_path: Path, sql: str) -> None:
    data, out = tmp_path / "data.ndjson", tmp_path / "out"
    data.write_text("")
    out.mkdir()
    connection = sandbox.connect(128)
    sandbox.confine(connection, reads=data, writes=out)
    sandbox.lock(connection)
    connection.execute(events.events_view(settings(), "b", events.spooled(settings(), data)))
    inner = sandbox.wrap(settings(sql=sql))
    with pytest.raises(duckdb.Error, match="."):
        connection.execute(sandbox.copy_statement(inner, out / "o", {}))
    assert not Path("/tmp/escaped").exists()


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
    sandbox.confine(connection, reads=data, writes=out)
    sandbox.lock(connection)
    with pytest.raises(duckdb.Error, match="."):
        connection.execute(sql.format(folder=out, data=data)).fetchall()
    assert data.read_text() == "{}\n"
