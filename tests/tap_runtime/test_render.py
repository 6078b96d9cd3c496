"""What becomes of a batch whose statement fails: on some records, on all, every time. And that one batch leaves nothing to the next."""

import base64
import datetime as dt
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tap_runtime.bisect import bad_rows
from tap_runtime.render import TryAgain
from tap_runtime.schema import Column
from tap_runtime.spool import batches
from tap_runtime.tries import StoredTries
from tests.tap_runtime.local_tap import START, LocalTap, MakeTap, column, settings

USER = (column("user", "VARCHAR"),)
NAMES = [f"c{number}" for number in range(100)]
MANY = tuple(column(name, "VARCHAR") for name in NAMES)
DOCUMENT = "select record ->> '_id' as id, record ->> '$._source.service' as service, record -> '_source' as document from events"


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
    why = "3 tries ran out of memory or time, or were killed; give the tap more than memory: 128MB, or its SQL less to do"
    assert tap.reasons() == [f"landing failed: {why}"] * 10
    assert tap.quarantined()[0]["received_at"] == f"{START:%Y-%m-%dT%H:%M:%S.%f}Z"
    assert [path.name for path in (tap.root / "lake/_mesh/stored").rglob("*") if path.is_file()] == ["00000001"] * (ack == "stored")


def tries(tap: LocalTap) -> StoredTries:
    """What one lander keeps of its attempt at the tap's one open batch."""
    (batch,) = [entry.key.rpartition("/")[2] for entry in tap.store.list("_mesh/open/")]
    return StoredTries(tap.store, "clicks", batch, lambda: tap.now, os.urandom)


def test_renders_under_way_elsewhere_are_not_taken_for_failures(make_tap: MakeTap) -> None:
    tap = posted(make_tap, "select x from events", ack="stored")
    for _ in range(5):
        tries(tap).begin()
    assert tap.land().counts.rows == 100


def test_tries_that_never_ended_are_failures_after_two_minutes(make_tap: MakeTap) -> None:
    tap = posted(make_tap, "select x from events", ack="stored")
    for _ in range(3):
        tries(tap).begin()
    tap.now += dt.timedelta(seconds=121)
    assert tap.land().faults == {"landing_failed": 100}


def test_bad_records_are_found_until_the_time_is_up() -> None:
    left = iter(range(5, -1000, -1))
    bad = {3, 700}

    def fails(low: int, high: int) -> bool:
        return any(low <= each < high for each in bad)

    assert bad_rows(1024, fails, 200, lambda: True) == (bad, 38)
    for most, in_time in ((200, lambda: next(left) > 0), (8, lambda: True)):
        found, _ = bad_rows(1024, fails, most, in_time)
        assert bad < found < set(range(1024))


def test_a_statement_that_fails_on_some_rows_lands_the_others(make_tap: MakeTap) -> None:
    tap = make_tap(sql="select user, (case when x = 7 then 'seven' else x::varchar end)::integer as x from events")
    tap.post("".join(f'{{"user":"u","x":{number}}}\n' for number in [*range(500), 7, 7]).encode())
    manifest = tap.land()
    assert (manifest.counts.rows, manifest.counts.quarantined) == (499, 3)
    assert tap.rows("select count(*), min(x), max(x) from events_out") == [(499, 0, 499)]
    assert {entry["record"] for entry in tap.quarantined()} == {'{"user":"u","x":7}'}


def test_a_statement_that_fails_on_rows_but_is_not_row_wise_quarantines_the_batch(make_tap: MakeTap) -> None:
    tap = make_tap(USER, sql='select sum("user"::integer) as total from events')
    tap.post(b'{"user":"1"}\n{"user":"x","more":{"a":1}}\n')
    manifest = tap.land()
    assert (manifest.counts.rows, manifest.counts.quarantined) == (0, 2)
    assert [entry["record"] for entry in tap.quarantined()] == ['{"user":"1"}', '{"user":"x","more":{"a":1}}']


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


def text(size: int) -> str:
    """So many characters that ZSTD cannot do much with."""
    return base64.b64encode(os.urandom(size))[:size].decode()


@pytest.mark.parametrize("ack", ["buffered", "stored"])
@pytest.mark.parametrize(
    ("columns", "sql", "record", "count"),
    [
        (USER, "select * from events", lambda: {"user": "u", "page": text(800)}, 9000),
        (USER, "select * from events", lambda: {"user": "u", "page": {"tags": [text(70) for _ in range(10)]}}, 9000),
        (USER, "select * from events", lambda: {"user": "u", **{f"field{number}": text(30) for number in range(25)}}, 8000),
        ((), DOCUMENT, lambda: {"_id": "1", "_source": {"service": "s", "text": text(1000)}}, 8000),
        ((), DOCUMENT, lambda: {"_id": "1", "_source": {"service": "s", "text": text(90_000)}}, 80),
        (MANY, "select * from events", lambda: {name: text(90) for name in NAMES}, 900),
    ],
)
def test_eight_megabytes_of_large_records_land_in_the_smallest_tap(
    make_tap: MakeTap, columns: tuple[Column, ...], sql: str, record: Callable[[], dict[str, object]], count: int, ack: str
) -> None:
    tap = make_tap(columns, sql=sql, ack=ack)
    lines = [json.dumps(record()) for _ in range(count)]
    for first in range(0, count, count // 4):
        assert tap.post("\n".join(lines[first : first + count // 4]).encode()).taken == (200, count // 4, 0)
    assert (tap.land().counts.rows, tap.rows("select count(*) from events_out")) == (count, [(count,)])


def test_small_records_before_many_large_ones_land(make_tap: MakeTap) -> None:
    tap = make_tap(USER)
    tap.post(b'{"user":"u"}\n' * 60_000)
    tap.post("\n".join(json.dumps({"user": text(5000)}) for _ in range(1000)).encode())
    assert tap.land().counts.rows == 61_000
    assert tap.rows('select count(*), max(len("user")) from events_out') == [(61_000, 5000)]


def test_only_the_records_too_large_for_the_statement_are_quarantined(make_tap: MakeTap) -> None:
    tap = make_tap(USER, sql='select repeat("user", if("user" = \'big\', 30000000, 1)) as u from events')
    tap.post(b'{"user":"u"}\n' * 3000 + b'{"user":"big"}\n' + b'{"user":"v"}\n' * 3000)
    manifest = tap.land()
    assert (manifest.counts.rows, manifest.faults) == (6000, {"OutOfMemoryException": 1})
    assert tap.reasons() == ["the statement failed on it: out of memory; give the tap more than memory: 128MB"]


def test_bad_records_are_told_apart_across_the_parts_of_a_large_batch(make_tap: MakeTap) -> None:
    tap = make_tap(USER, sql="select (case when \"user\" like 'bad%' then \"user\" else '1' end)::integer as x from events")
    good = "\n".join(json.dumps({"user": "u" * 1000}) for _ in range(2000))
    for name in ("bad1", "bad2", "bad3"):
        tap.post(f'{good}\n{{"user":"{name}"}}\n'.encode())
    manifest = tap.land()
    assert (manifest.counts.rows, manifest.faults) == (6000, {"ConversionException": 3})
    assert [entry["record"] for entry in tap.quarantined()] == [f'{{"user":"bad{number}"}}' for number in (1, 2, 3)]
