"""What a statement fails on is in quarantine as it was sent, so that it can be sent again."""

import base64
import json

import pytest

from tap_runtime.schema import Column, Field, Type
from tests.tap_runtime.local_tap import LocalTap, MakeTap

ZEROS = b"\0" * 1000
PART = Type("STRUCT", "STRUCT(x INTEGER)", fields=(Field("x", Type("INTEGER", "INTEGER")),))
NESTED = (
    Column("part", PART),
    Column("parts", Type("LIST", "STRUCT(x INTEGER)[]", fields=(Field("element", PART),))),
    Column("named", Type("MAP", "MAP(VARCHAR, STRUCT(x INTEGER))", fields=(Field("value", PART),))),
)
FAILS = "select error('no') as nothing from events"


def quarantined_at_landing(tap: LocalTap, record: str) -> str:
    """The record as its quarantine entry has it."""
    assert tap.post(record.encode()).taken == (200, 1, 0)
    assert tap.land().counts.quarantined == 1
    (entry,) = tap.quarantined()
    return str(entry["record"])


@pytest.mark.parametrize("number", ["1E+400", "1E-400", "0.12345678901234567890123", "1.00", "12345678901234567890123456789", "1" * 400])
def test_a_number_is_quarantined_as_it_was_sent(make_tap: MakeTap, number: str) -> None:
    record = f'{{"n":{number},"deep":[{{"n":{number}}}]}}'
    assert quarantined_at_landing(make_tap((), sql=FAILS), record) == record


@pytest.mark.parametrize(
    "record",
    [
        {"part": {"x": 1, "more": 2}},
        {"part": {"x": 1, "more": None}, "other": {"x": 1}},
        {"parts": [{"x": 1}, {"x": 2, "more": 3}, None]},
        {"named": {"a": {"x": 1, "more": {"x": 2}}, "b": {"x": 3}}},
        {"named": {}, "part": {"more": 1}, "other": None},
    ],
)
def test_fields_the_schema_does_not_name_are_quarantined_beside_those_it_does(make_tap: MakeTap, record: dict[str, object]) -> None:
    assert json.loads(quarantined_at_landing(make_tap(NESTED, sql=FAILS), json.dumps(record))) == record


def test_a_name_as_long_as_its_line_makes_no_answer_larger_than_lambda_passes_on(make_tap: MakeTap) -> None:
    tap = make_tap(NESTED, extra="quarantine")
    name = "n" * 900_000
    answer = tap.post(b"".join(b'{"%s":{"x":%d}}\n' % (name.encode(), number) for number in range(6)))
    assert answer.taken == (200, 0, 6)
    assert answer.content["quarantined"][0] == {"line": 1, "reason": f"$.{name[:199]}…: not in the schema"}
    assert tap.land().counts.refused == 6
    assert [json.loads(entry["record"]) for entry in tap.quarantined()] == [{name: {"x": number}} for number in range(6)]


@pytest.mark.parametrize("line", [ZEROS, b"\x01\x02{}", b"\xff\xfe", b"a\tb\rc"])
def test_control_characters_are_kept_at_no_more_than_a_third_more(make_tap: MakeTap, line: bytes) -> None:
    tap = make_tap((), ack="stored")
    assert tap.post(line).taken == (200, 0, 1)
    tap.land()
    (entry,) = tap.quarantined()
    assert base64.b64decode(entry["record_base64"]) == line if line[0] != ord("a") else entry["record"] == line.decode()
