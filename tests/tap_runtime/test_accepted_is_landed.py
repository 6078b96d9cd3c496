"""Accepted implies landed with equal values, for records hypothesis makes; and the shortcut says what looking at each line says."""

import json
import math
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mesh.spec.types import parse_type
from tap_runtime import events, sandbox
from tap_runtime.records import Checker
from tap_runtime.schema import Column
from tests.tap_runtime.local_tap import LocalTap, column, decimal
from tests.tap_runtime.local_tap import settings as tap_settings

COLUMNS = (
    column("flag", "BOOLEAN"),
    column("text", "VARCHAR"),
    column("small", "TINYINT"),
    column("big", "BIGINT"),
    column("real", "DOUBLE"),
    column("at", "TIMESTAMP"),
    decimal("money", 12, 2),
    column("any", "JSON"),
)
FAST = tuple(each for each in COLUMNS if each.name not in ("money", "any"))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(-200, 200),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT,
    st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01 01:02:03.5+02:00", "2026-01-01", "12.50", "1e3", "x"]),
    st.lists(st.integers(0, 9), max_size=3),
    st.dictionaries(TEXT, st.integers(0, 9), max_size=2),
)
RECORDS = st.lists(
    st.dictionaries(st.sampled_from([each.name for each in COLUMNS] + ["other"]), VALUES, max_size=9), min_size=1, max_size=20
)


def lines(records: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def same(sent: Any, landed: Any) -> bool:
    """Whether a landed value is the one sent, as its column's type holds it."""
    if isinstance(sent, float) or isinstance(landed, float):
        return math.isclose(float(sent), float(landed), rel_tol=0, abs_tol=0)
    return bool(sent == landed)


@settings(max_examples=60)
@given(RECORDS)
def test_accepted_implies_landed_with_equal_values(records: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        tap = LocalTap(Path(folder), tap_settings(COLUMNS))
        answer = tap.post(lines(records))
        bad = {entry["line"] for entry in answer.content["quarantined"]}
        good = [record for number, record in enumerate(records, start=1) if number not in bad]
        manifest = tap.land()
        assert (manifest.counts.read, manifest.counts.rows, manifest.counts.quarantined) == (len(good), len(good), 0)
        rows = tap.rows('select flag, text, small, big, "real", "any" from events_out') if good else []
        for record, row in zip(good, rows, strict=True):
            for name, landed in zip(("flag", "text", "small", "big", "real"), row, strict=False):
                assert record.get(name) is None and landed is None or same(record[name], landed), (name, record, landed)
            assert record.get("any") is None or loosely(json.loads(row[5])) == loosely(record["any"])


NESTED = Column("nested", parse_type('STRUCT("a b" INTEGER[], "at" TIMESTAMP, more MAP(VARCHAR, DECIMAL(9,2)))'))
NESTED_VALUES = st.fixed_dictionaries(
    {},
    optional={
        "a b": st.lists(st.one_of(st.none(), st.integers(-9, 9)), max_size=3),
        "at": st.sampled_from(["2026-01-01T00:00:00.25Z", "2026-01-01 01:02:03+02:00", None]),
        "more": st.dictionaries(TEXT, st.sampled_from([1, "12.50", None]), max_size=2),
    },
)


@settings(max_examples=60)
@given(RECORDS, st.lists(NESTED_VALUES, max_size=20))
def test_a_batch_read_in_parts_has_the_values_of_one_read_whole(records: list[dict[str, Any]], nested: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        tap = LocalTap(Path(folder), tap_settings((*COLUMNS, NESTED)))
        for number, value in enumerate(nested):
            records[number % len(records)]["nested"] = value
        tap.post(lines(records))
        (data,) = Path(folder).rglob("data.ndjson")
        connection = sandbox.connect(128)
        whole, parts = events.spooled(tap.settings, data), events.spooled_parts(tap.settings, data, data)
        read = connection.execute(f"SELECT * FROM {whole}").fetchall()
        again = connection.execute(f"SELECT * FROM {parts}").fetchall()
        assert [plain(row) for row in again] == [plain(row) for row in read * 2]


def plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A spooled row with its JSON parsed: the two readers may write a number in two ways."""
    *envelope, record, extra = row
    texts = (record["any"], extra)
    return (*envelope, record | {"any": None}, *(None if text is None else loosely(json.loads(text)) for text in texts))


def loosely(value: Any) -> Any:
    """JSON numbers as DuckDB keeps them: beyond 64 bits they are doubles."""
    if isinstance(value, list):
        return [loosely(element) for element in value]
    if isinstance(value, dict):
        return {name: loosely(element) for name, element in value.items()}
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


@settings(max_examples=300)
@given(RECORDS, st.sampled_from(["keep", "drop", "quarantine"]))
def test_the_shortcut_says_what_looking_at_each_line_says(records: list[dict[str, Any]], extra: str) -> None:
    fast, slow = (Checker(tap_settings(FAST, extra=extra)) for _ in range(2))
    slow._shortcut._decoder = None
    one, other = fast.check(lines(records), ""), slow.check(lines(records), "")
    assert (one.accepted, one.bad) == (other.accepted, other.bad)
    assert enveloped(one.good) == enveloped(other.good)


def enveloped(good: bytes) -> list[Any]:
    """The good records as the spool has them."""
    return [json.loads(b'{"d":%b}' % line) for line in good.split(b"\n") if line]


def test_a_number_past_every_exponent_spoils_its_own_line_only() -> None:
    found = Checker(tap_settings(COLUMNS)).check(b'{"real":1e99999999999999999999}\n{"real":1}\n', "")
    assert (found.accepted, [line.line for line in found.bad]) == (1, [1])
