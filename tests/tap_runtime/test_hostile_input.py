"""Whatever a sender posts: good lines land with their values, bad ones reach quarantine with a reason, the rest is refused in words."""

import base64
from typing import Any

import pytest

from tap_runtime.schema import Column
from tests.tap_runtime.local_tap import LocalTap, MakeTap, column, decimal, settings

GOOD = b'{"user":"ann","x":1}'
USERS = 'select "user", x from events_out order by x, "user"'


def raw(entry: dict[str, Any]) -> bytes:
    """The line a quarantine entry holds."""
    return base64.b64decode(entry["record_base64"]) if "record_base64" in entry else str(entry["record"]).encode()


def test_a_malformed_line_lands_its_neighbours(tap: LocalTap) -> None:
    assert tap.post(GOOD + b'\n{"user":\n{"user":"bob","x":2}\n').taken == (200, 2, 1)
    manifest = tap.land()
    assert (manifest.counts.received, manifest.counts.accepted, manifest.counts.refused) == (3, 2, 1)
    assert tap.rows(USERS) == [("ann", 1), ("bob", 2)]
    (entry,) = tap.quarantined()
    assert (entry["record"], entry["line"], entry["lines"], entry["sender"], entry["request"]) == ('{"user":', 2, 1, None, 0)


@pytest.mark.parametrize(
    ("line", "entries"),
    [
        (b'{"x":5} {"x":6}', 1),
        (b'{"x":5}{"x":6}', 1),
        (b'{"x":5},{"x":6}', 1),
        (b'{"user":"a",\n"x":5}', 2),
        (b'{"user":"a"}\n{"x":\n5}', 2),
        (b'[{"x":5}]', 1),
        (b"7", 1),
        (b"null", 1),
        (b'"text"', 1),
        (b"true", 1),
        (b'{"user":"a\xff"}', 1),
        (b'{"user":"\xed\xa0\x80"}', 1),
        (b'{"user":"\\ud800"}', 1),
        (b'{"x":NaN}', 1),
        (b'{"x":1e400}', 1),
        (b'{"x":-Infinity}', 1),
        (b'{"x":9223372036854775808}', 1),
        (b'{"x":2147483648}', 1),
        (b'{"x":1.5}', 1),
        (b'{"x":"1"}', 1),
        (b'{"x":' + b"9" * 5000 + b"}", 1),
        (b'{"user":7}', 1),
        (b'{"at":"yesterday"}', 1),
        (b'{"at":"2026-02-30T00:00:00Z"}', 1),
        (b'{"at":1751371200}', 1),
        (b'{"a":' + b"[" * 101 + b"]" * 101 + b"}", 1),
        (b"[" * 100_000 + b"]" * 100_000, 1),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 1),
        (b'{"user":"' + b"a" * 1_048_577 + b'"}', 1),
        (b"\x00", 1),
        (b"\x1f\x8b\x08", 1),
    ],
)
def test_a_line_that_is_no_record_is_quarantined_whole(tap: LocalTap, line: bytes, entries: int) -> None:
    answer = tap.post(b"\n".join([GOOD, line, GOOD, b""]))
    assert (answer.status, answer.content["quarantined_count"]) == (200, entries)
    manifest = tap.land()
    assert manifest.counts.received == len(line.splitlines()) + 2
    assert tap.rows("select count(*) from events_out where \"user\" = 'ann' and x = 1") == [(2,)]
    kept = [
        base64.b64decode(entry["record_base64"]) if "record_base64" in entry else entry["record"].encode() for entry in tap.quarantined()
    ]
    assert set(kept) <= set(line.split(b"\n")) and len(kept) == entries
    assert all(entry["reason"].startswith("$") for entry in tap.quarantined())


def test_bytes_that_are_no_text_are_quarantined_in_base64(tap: LocalTap) -> None:
    tap.post(b'{"user":"\xff\xfe"}')
    tap.land()
    (entry,) = tap.quarantined()
    assert "record" not in entry
    assert base64.b64decode(entry["record_base64"]) == b'{"user":"\xff\xfe"}'


def test_of_duplicate_keys_the_last_counts(tap: LocalTap) -> None:
    assert tap.post(b'{"x":1,"x":2,"user":"a"}\n{"y":1,"y":2,"x":3,"user":"b"}').taken == (200, 2, 0)
    tap.land()
    assert tap.rows('select x, "user", _extra from events_out order by x') == [(2, "a", None), (3, "b", '{"y":2}')]


def test_names_that_differ_in_case_alone_do_not_collide(tap: LocalTap) -> None:
    assert tap.post(b'{"User":"evil","user":"ann"}\n{"USER":"evil","x":1}').taken == (200, 2, 0)
    tap.land()
    assert tap.rows('select "user", _extra from events_out order by x nulls first') == [
        ("ann", '{"User":"evil"}'),
        (None, '{"USER":"evil"}'),
    ]


@pytest.mark.parametrize("columns", [(), (column("user", "VARCHAR"), column("x", "INTEGER"))], ids=["no schema", "schema"])
def test_meta_columns_cannot_be_forged(make_tap: MakeTap, columns: tuple[Column, ...]) -> None:
    tap = make_tap(columns)
    forged = b'{"_sender":"boss","_batch":"b","_request":-1,"_received_at":"1999-01-01","r":9,"t":9,"s":"boss","d":{"x":9},"_extra":1}'
    assert tap.post(forged).taken == (200, 1, 0)
    manifest = tap.land()
    assert tap.rows("select _sender, _batch, _request, _received_at::varchar from events_out") == [
        (None, manifest.batch, 0, "2026-07-01 12:00:00")
    ]


def test_without_a_schema_any_object_lands_as_sent(make_tap: MakeTap) -> None:
    tap = make_tap(())
    assert tap.post(b'{"b":1.5,"a":[null,{"c":"\\u00e9"}],"n":12345678901234567890123,"e":1e400}\n[1]\n3\n').taken == (200, 1, 2)
    tap.land()
    assert tap.rows("select record from events_out") == [('{"b":1.5,"a":[null,{"c":"é"}],"n":12345678901234567890123,"e":1E+400}',)]


@pytest.mark.parametrize(
    ("text", "landed"),
    [
        ("2026-07-01T12:00:00Z", "2026-07-01 12:00:00"),
        ("2026-07-01T12:00:00+02:00", "2026-07-01 10:00:00"),
        ("2026-07-01 12:00:00", "2026-07-01 12:00:00"),
        ("2026-07-01T12:00:00.123456-0530", "2026-07-01 17:30:00.123456"),
        ("2026-07-01 12:00", "2026-07-01 12:00:00"),
        ("2026-07-01", "2026-07-01 00:00:00"),
        ("2026-07-01t12:00:00z", "2026-07-01 12:00:00"),
        ("0001-01-01T00:00:00Z", "0001-01-01 00:00:00"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31 23:59:59.999999"),
    ],
)
def test_a_timestamp_lands_in_utc(make_tap: MakeTap, text: str, landed: str) -> None:
    tap = make_tap((column("moment", "TIMESTAMP"), column("tz", "TIMESTAMPTZ")))
    assert tap.post(f'{{"moment":"{text}","tz":"{text}"}}'.encode()).taken == (200, 1, 0)
    tap.land()
    assert tap.rows("select moment::varchar, (tz at time zone 'UTC')::varchar from events_out") == [(landed, landed)]


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00+02:00", "9999-12-31T23:59:59-02:00", "2026-7-1", "20260701", "12:00", "", "2026-07-01T25:00"]
)
def test_a_timestamp_that_is_none_is_quarantined(make_tap: MakeTap, text: str) -> None:
    tap = make_tap((column("at", "TIMESTAMP"),))
    assert tap.post(f'{{"at":"{text}"}}'.encode()).taken == (200, 0, 1)
    assert tap.land().counts.rows == 0


@pytest.mark.parametrize(
    ("sent", "landed"),
    [("12.30", "12.30"), ('"12.3"', "12.30"), ("1e2", "100.00"), ("-0.0", "0.00"), ("99999999.99", "99999999.99"), ("0.1e-1", "0.01")],
)
def test_a_decimal_lands_exactly(make_tap: MakeTap, sent: str, landed: str) -> None:
    tap = make_tap((decimal("price", 10, 2),))
    assert tap.post(f'{{"price":{sent}}}'.encode()).taken == (200, 1, 0)
    tap.land()
    assert tap.rows("select price::varchar from events_out") == [(landed,)]


@pytest.mark.parametrize("sent", ["0.001", "100000000", '"12 EUR"', '"NaN"', "1e999999999", "true", '"1e9999"'])
def test_a_decimal_that_does_not_fit_is_quarantined(make_tap: MakeTap, sent: str) -> None:
    tap = make_tap((decimal("price", 10, 2),))
    assert tap.post(f'{{"price":{sent}}}'.encode()).taken == (200, 0, 1)
    tap.land()
    assert len(tap.reasons()) == 1


def test_more_than_a_hundred_bad_lines_share_one_entry(tap: LocalTap) -> None:
    bad = [b"bad %d" % number for number in range(250)]
    answer = tap.post(b"\n".join([*bad, GOOD]))
    assert answer.taken == (200, 1, 250)
    manifest = tap.land()
    assert (manifest.counts.received, manifest.counts.refused) == (251, 250)
    entries = tap.quarantined()
    assert [entry["lines"] for entry in entries] == [1] * 100 + [150]
    assert entries[-1]["record"].encode() == b"\n".join(bad[100:])
    assert tap.rows(USERS) == [("ann", 1)]


@pytest.mark.parametrize("body", [b"\xef\xbb\xbf" + GOOD, GOOD + b"\r\n", GOOD, GOOD + b"\n\n\r\n  \n", b"  " + GOOD + b" \t\r\n"], ids=str)
def test_bom_crlf_and_a_missing_last_newline_are_no_fault(tap: LocalTap, body: bytes) -> None:
    assert tap.post(body).taken == (200, 1, 0)
    tap.land()
    assert tap.rows(USERS) == [("ann", 1)]


@pytest.mark.parametrize("body", [b"", b"\n", b"\r\n \n", b"\xef\xbb\xbf"])
def test_an_empty_body_is_acknowledged_and_opens_nothing(tap: LocalTap, body: bytes) -> None:
    answer = tap.post(body)
    assert answer.taken == (200, 0, 0)
    assert answer.content["receipt"] is None
    assert [entry.key for entry in tap.store.list("_mesh/open/")] == []


@pytest.mark.parametrize(
    ("body", "taken"),
    [
        (b'{"user":"ann",\n "x":1}', (200, 1, 0)),
        (b'[\n{"user":"ann","x":1},\n{"user":"ann","x":1}]', (200, 2, 0)),
        (b'[{"user":"ann","x":1},3,{"x":"no"}]', (200, 1, 2)),
        (GOOD + b"\n" + GOOD, (200, 2, 0)),
        (b"7", (200, 0, 1)),
        (b"[]", (200, 0, 0)),
        (b'[{"user":"ann"}', (200, 0, 1)),
    ],
)
def test_application_json_is_one_object_one_array_or_lines(tap: LocalTap, body: bytes, taken: tuple[int, int, int]) -> None:
    answer = tap.post(body, content_type="application/json; charset=utf-8")
    assert answer.taken == taken
    if taken[1]:
        assert tap.land().counts.rows == taken[1]
        assert tap.rows('select distinct "user", x from events_out') == [("ann", 1)]


def test_settings_say_no_extra_field_is_taken(make_tap: MakeTap) -> None:
    tap = make_tap(extra="quarantine")
    assert tap.post(b'{"x":1,"y":2}\n{"x":2}').taken == (200, 1, 1)
    tap.land()
    assert tap.reasons() == ["$.y: not in the schema"]
    assert settings().extra == "keep"
