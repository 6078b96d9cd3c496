"""A team's SQL sees its own records and nothing else, and what it does wrong costs no record."""

from pathlib import Path

import duckdb
import pytest

from tap_runtime import sandbox
from tap_runtime.errors import SqlRefused
from tap_runtime.render import TryAgain
from tap_runtime.spool import batches
from tests.tap_runtime.conftest import MakeTap
from tests.tap_runtime.local_tap import START, LocalTap, column, settings

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
]


@pytest.mark.parametrize("sql", ESCAPES)
def test_the_check_refuses(sql: str) -> None:
    connection = sandbox.connect(128)
    with pytest.raises(SqlRefused, match="."):
        sandbox.check_statement(connection, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select * from events",
        'with x as (select * from events) select * from x join x y using ("user")',
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 3) select * from n, events",
        "select unnest(range(3)) from events",
        "select * from events, range(3)",
        "from events select count(*) filter (x > 1) over ()",
        "pivot events on \"user\" in ('a', 'b') using count(*)",
        "select list_transform([1], lambda y: y + x) from events;",
        "select x, row_number() over (order by x) from events qualify true",
    ],
)
def test_the_check_lets_plain_sql_through(sql: str) -> None:
    assert sandbox.check_statement(sandbox.connect(128), sql).sql == sql


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
    sandbox.lock(connection, reads=data, writes=out)
    connection.execute(sandbox.events_view(settings(), "b", sandbox.spooled(settings(), data)))
    inner = sandbox.wrap(settings(sql=sql))
    with pytest.raises(duckdb.Error, match="."):
        connection.execute(sandbox.copy_statement(inner, out / "o", {}))
    assert not Path("/tmp/escaped").exists()


@pytest.mark.parametrize("target", ["../escaped", "out/../../escaped", "data.ndjson"])
def test_the_instance_writes_into_its_folder_alone(tmp_path: Path, target: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "data.ndjson").write_text('{"kept":true}')
    (tmp_path / "secret.csv").write_text("secret")
    (tmp_path / "out" / "link.csv").symlink_to(tmp_path / "secret.csv")
    connection = sandbox.connect(128)
    sandbox.lock(connection, reads=tmp_path / "other.ndjson", writes=tmp_path / "out")
    for sql in (f"copy (select 1) to '{tmp_path}/{target}'", f"from read_csv('{tmp_path}/secret.csv')", "set lock_configuration=false"):
        with pytest.raises(duckdb.Error, match="."):
            connection.execute(sql).fetchall()
    assert (tmp_path / "data.ndjson").read_text() == '{"kept":true}'


def posted(make_tap: MakeTap, sql: str, rows: int = 100, **more: object) -> LocalTap:
    """A tap with that SQL and so many records."""
    tap = make_tap((column("user", "VARCHAR"), column("x", "INTEGER")), sql=sql, **more)
    body = "\n".join(f'{{"user":"u{number}","x":{number}}}' for number in range(rows))
    assert tap.post(body.encode()).taken == (200, rows, 0)
    return tap


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("select * from read_csv('/etc/passwd')", "SqlRefused"),
        ("with x as (copy (select 1) to '/tmp/escaped') select * from x", "SqlRefused"),
        ("select nope from events", "BinderException"),
        ("select * from event", "SqlRefused"),
        ("select selec(x) from events", "CatalogException"),
        ("select error('always') from events", "InvalidInputException"),
        ("select error('even over no rows') from range(1)", "InvalidInputException"),
        ("select sum(('a' || x)::integer) from events", "ConversionException"),
    ],
)
def test_a_statement_that_fails_on_all_puts_the_batch_in_quarantine(make_tap: MakeTap, sql: str, code: str) -> None:
    tap = posted(make_tap, sql)
    manifest = tap.land()
    assert manifest.faults == {code: 100}
    assert (manifest.counts.read, manifest.counts.quarantined, manifest.counts.rows) == (0, 100, 0)
    assert [entry["record"] for entry in tap.quarantined()] == [f'{{"user":"u{number}","x":{number}}}' for number in range(100)]
    assert not list((tap.root / "lake" / "clicks").rglob("*.parquet"))
    assert not Path("/tmp/escaped").exists()


def test_a_statement_edited_while_a_batch_is_open_lands_with_the_settings_it_began_with(make_tap: MakeTap) -> None:
    tap = posted(make_tap, "select x from events", ack="stored")
    newer = settings(tap.settings.columns, "select nope from events", ack="stored")
    tap.store.put(f"_mesh/settings/clicks/{newer.sha256()}.json", newer.to_json())
    assert tap.land().counts.rows == 100


@pytest.mark.parametrize("ack", ["buffered", "stored"])
def test_memory_is_tried_three_times_then_the_batch_is_poison(make_tap: MakeTap, ack: str) -> None:
    tap = posted(make_tap, 'select list(r.range || u) from (select r.range, "user" u from events, range(1000000) r) r', 10, ack=ack)
    for _ in range(3):
        tap.acceptor.seal()
        with pytest.raises(TryAgain, match="OutOfMemoryException"):
            tap.land() if ack == "stored" else tap.lander().land_spooled("clicks", next(batches(tap.root / "spool", "sealed"))[1])
    manifest = tap.land()
    assert manifest.faults == {"landing_failed": 10}
    assert tap.reasons() == ["landing failed: 3 tries ran out of memory or time, or were killed"] * 10
    assert tap.quarantined()[0]["received_at"] == f"{START:%Y-%m-%dT%H:%M:%S.%f}Z"
