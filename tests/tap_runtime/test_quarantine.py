"""What a statement fails on is in quarantine as it was sent, so that it can be sent again."""

import json

import pytest

from tap_runtime.schema import Column, Field, Type
from tests.tap_runtime.local_tap import LocalTap, MakeTap

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
