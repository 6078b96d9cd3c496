"""What was accepted lands with the values sent, for any schema; the shortcut is one and nothing else."""

import datetime as dt
import json
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import settings as runs
from hypothesis import strategies as st

from tap_runtime.records import BadLine, Checker, Records
from tap_runtime.schema import INTEGERS, Column, Field, Type
from tap_runtime.shortcut import Shortcut
from tests.tap_runtime.local_tap import LocalTap, column, decimal, settings

Sent = tuple[str, Any]  # the JSON text, and what DuckDB gives back
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
MOMENTS = st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30))


def integer(low: int, high: int) -> st.SearchStrategy[Sent]:
    """Within the range; at times as 3.0."""
    return st.tuples(st.one_of(st.integers(low, high), st.sampled_from([low, high, 0])), st.sampled_from(["", ".0"])).map(
        lambda pair: (f"{pair[0]}{pair[1]}", pair[0])
    )


def timestamp(pair: tuple[dt.datetime, int]) -> Sent:
    """With an offset of so many minutes."""
    zone = dt.timezone(dt.timedelta(minutes=pair[1]))
    return json.dumps(pair[0].replace(tzinfo=dt.UTC).astimezone(zone).isoformat()), pair[0]


VALUES: dict[str, st.SearchStrategy[Sent]] = {
    **{kind: integer(*INTEGERS[kind]) for kind in INTEGERS},
    "BOOLEAN": st.booleans().map(lambda value: (json.dumps(value), value)),
    "VARCHAR": st.tuples(TEXT, st.booleans()).map(lambda pair: (json.dumps(pair[0], ensure_ascii=pair[1]), pair[0])),
    "DOUBLE": st.floats(allow_nan=False, allow_infinity=False).map(lambda value: (json.dumps(value), value)),
    "FLOAT": st.floats(allow_nan=False, allow_infinity=False, width=32).map(lambda value: (json.dumps(value), value)),
    "TIMESTAMP": st.tuples(MOMENTS, st.integers(-840, 840)).map(timestamp),
    "DATE": st.dates().map(lambda value: (f'"{value}"', value)),
    "TIME": st.times().map(lambda value: (f'"{value}"', value)),
    "UUID": st.uuids().map(lambda value: (f'"{value}"', value)),
    "DECIMAL": st.integers(-(10**9) + 1, 10**9 - 1).map(lambda cents: Decimal(cents).scaleb(-2)).map(lambda value: (str(value), value)),
}
JUNK = st.sampled_from(
    ["null", '"x"', "1.5", "true", "[]", "{}", "-1", "1e3", "18446744073709551616", '"2026-07-01"', "NaN", "", '"\\u0000"', "[[1]]"]
)


def named(kind: str, name: str) -> Column:
    """A column of that kind; lists of BIGINT and structs come nested."""
    if kind == "DECIMAL":
        return decimal(name, 9, 2)
    return column(name, kind)


@st.composite
def batches(draw: Callable[..., Any]) -> tuple[tuple[Column, ...], list[list[Sent | str]]]:
    """Columns of several types and rows of values for them, some of them junk."""
    kinds = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=5))
    columns = tuple(named(kind, f"c{place}") for place, kind in enumerate(kinds))
    cell = [st.one_of(VALUES[kind], VALUES[kind], VALUES[kind], JUNK) for kind in kinds]
    return columns, draw(st.lists(st.tuples(*cell).map(list), min_size=1, max_size=8))


@runs(max_examples=60)
@given(batch=batches())
def test_accepted_means_landed_with_equal_values(batch: tuple[tuple[Column, ...], list[list[Sent | str]]]) -> None:
    columns, rows = batch
    with tempfile.TemporaryDirectory() as folder:
        tap = LocalTap(Path(folder), settings((column("row", "INTEGER", required=True), *columns)))
        lines = []
        for number, row in enumerate(rows):
            cells = [f'"{named.name}":{cell if isinstance(cell, str) else cell[0]}' for named, cell in zip(columns, row, strict=True)]
            lines.append(f'{{"row":{number},' + ",".join(cells) + "}")
        answer = tap.post("\n".join(lines).encode())
        manifest = tap.land()
        refused = {bad["line"] - 1 for bad in answer.content["quarantined"]}
        assert refused <= {number for number, row in enumerate(rows) if any(isinstance(cell, str) for cell in row)}
        assert (manifest.counts.rows, manifest.counts.quarantined) == (len(rows) - len(refused), 0)
        if manifest.counts.rows == 0:
            return
        landed = {row[0]: row[1:] for row in tap.rows(f'select "row", {", ".join(named.name for named in columns)} from events_out')}
        assert set(landed) == set(range(len(rows))) - refused
        for number, values in landed.items():
            for value, cell in zip(values, rows[number], strict=True):
                assert isinstance(cell, str) or value == cell[1]


def test_nested_values_land_as_sent(tmp_path: Path) -> None:
    nested = Type("STRUCT", 'STRUCT("a" INTEGER, "b" VARCHAR[])', (Field("a", Type("INTEGER", "INTEGER")), Field("b", listed("VARCHAR"))))
    mapped = Type("MAP", "MAP(VARCHAR, DECIMAL(9,2))", (Field("", Type("DECIMAL", "DECIMAL(9,2)", precision=9, scale=2)),))
    tap = LocalTap(tmp_path, settings((Column("s", nested), Column("m", mapped), Column("l", listed("TIMESTAMP")))))
    good = '{"s":{"a":1,"b":["x",null],"c":9},"m":{"k":1.10,"":null},"l":["2026-07-01T02:00:00+02:00",null]}'
    bad = '{"s":{"a":1.5}}\n{"s":[1]}\n{"m":{"k":"x"}}\n{"l":[["2026-07-01"]]}\n{"l":{}}'
    assert tap.post(f"{good}\n{bad}\n".encode()).taken == (200, 1, 5)
    tap.land()
    assert tap.rows("select s, m, l, _extra from events_out") == [
        ({"a": 1, "b": ["x", None]}, {"k": Decimal("1.10"), "": None}, [dt.datetime(2026, 7, 1), None], '{"s":{"c":9}}')
    ]


def listed(kind: str) -> Type:
    """A list of that type."""
    return Type("LIST", f"{kind}[]", (Field("", Type(kind, kind)),))


FAST = (column("a", "INTEGER", True), column("b", "VARCHAR"), column("c", "DOUBLE"), column("d", "TIMESTAMP"), column("e", "BOOLEAN"))
_shortcut = Shortcut(settings(FAST))
_fast, _slow = Checker(settings(FAST)), Checker(settings(FAST))
_slow._shortcut._decoder = None
NUMBERS = st.one_of(
    st.integers(-(2**40), 2**40).map(str), st.floats().map(json.dumps), st.sampled_from(["-0", "1e2", "0.1e1", "1E400", "5e-324"])
)
STRINGS = st.one_of(TEXT.map(json.dumps), MOMENTS.map(lambda value: f'"{value.isoformat()}Z"'), MOMENTS.map(lambda value: f'"{value}"'))
CELLS = st.one_of(NUMBERS, STRINGS, st.sampled_from(["null", "true", "false", '"}\\n{"', '"\x7f"', '"\\u0000"', '"é"', "[]"]))
FIELDS = st.tuples(st.sampled_from(["a", "a", "b", "c", "d", "e", "A", "x"]), CELLS)
SPACE = st.sampled_from(["", "", "", " ", "\t", "\r"])
LINES = st.builds(
    lambda fields, space, end: "{" + space + ",".join(f'"{name}":{space}{value}' for name, value in fields) + "}" + end,
    st.lists(FIELDS, max_size=4).map(lambda fields: [("a", "1"), *fields]),
    SPACE,
    SPACE,
)


def sorted_fields(records: Records) -> tuple[list[bytes], int, tuple[BadLine, ...]]:
    """The same records with the fields of each in order, every value byte for byte as spooled."""
    raws = [
        msgspec.json.decode(line, type=dict[str, msgspec.Raw]) for line in filter(None, records.good.split(b"\n")) if b',"x":' not in line
    ]
    others = [line for line in records.good.split(b"\n") if b',"x":' in line]
    return (
        [b",".join(b"%b:%b" % (name.encode(), raw[name]) for name in sorted(raw)) for raw in raws] + others,
        records.accepted,
        records.bad,
    )


@runs(max_examples=1000)
@given(
    lines=st.lists(LINES, max_size=4),
    joint=st.sampled_from(["\n", "\n", "\n", "\r\n", "\n\n", " ", ""]),
    end=st.sampled_from(["", "\n", "\n\n"]),
)
@example(lines=['{"a":1}', '{"a":2}{"b":"}\\n{"}'], joint="\n", end="")
@example(lines=['{"a":1,\n"b":"x"}', '{"a":1}{"a":2}'], joint="\n", end="\n")
@example(lines=['{"a":1}\n{"a":2', '"b":"x"}'], joint=",\n", end="\n")
def test_the_shortcut_changes_nothing_but_the_order_of_fields(lines: list[str], joint: str, end: str) -> None:
    body = (joint.join(lines) + end).encode()
    taken = _shortcut.take(body)
    if taken is not None:
        assert sorted_fields(Records(*taken, ())) == sorted_fields(_slow.check(body, ""))
    assert sorted_fields(_fast.check(body, "")) == sorted_fields(_slow.check(body, ""))
