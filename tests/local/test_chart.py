"""Which results of the query box are drawn."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from mesh.local.live.chart import chart

MINUTE = dt.datetime(2026, 11, 23, 21, 0)


@pytest.mark.parametrize(
    ("kinds", "rows", "drawn"),
    [
        (["VARCHAR", "BIGINT"], [("a", 2), (None, 1)], ("bars", ["a", "NULL"], [2.0, 1.0])),
        (["BIGINT", "VARCHAR"], [(2, "a"), (1, "b")], ("bars", ["a", "b"], [2.0, 1.0])),
        (["VARCHAR", "BIGINT"], [("x" * 121, 2), ("x" * 120, 1)], ("bars", ["x" * 119 + "…", "x" * 120], [2.0, 1.0])),
        (["INTEGER", "HUGEINT"], [(7, 2), (8, 1)], ("bars", ["7", "8"], [2.0, 1.0])),
        (
            ["DATE", "DECIMAL(9,2)"],
            [(MINUTE.date(), Decimal("1.5")), (MINUTE.date(), Decimal(2))],
            ("line", ["2026-11-23"] * 2, [1.5, 2.0]),
        ),
        (["TIMESTAMP WITH TIME ZONE", "DOUBLE"], [(MINUTE, 1.0), (MINUTE, 2.0)], ("line", ["2026-11-23 21:00:00"] * 2, [1.0, 2.0])),
    ],
)
def test_a_label_or_time_beside_a_number_is_drawn(kinds: list[str], rows: list[Any], drawn: tuple[str, list[str], list[float]]) -> None:
    kind, labels, values = drawn
    assert chart(kinds, rows) == {"kind": kind, "labels": labels, "values": values}


@pytest.mark.parametrize(
    ("kinds", "rows"),
    [
        (["VARCHAR", "BIGINT"], [("a", 1)]),
        (["VARCHAR", "BIGINT"], [("a", 1), ("b", None)]),
        (["VARCHAR", "DOUBLE"], [("a", 1.0), ("b", float("nan"))]),
        (["VARCHAR", "BIGINT"], [("a", 1), ("b", -1)]),
        (["VARCHAR", "BIGINT"], [(str(number), number) for number in range(41)]),
        (["VARCHAR", "VARCHAR"], [("a", "b"), ("c", "d")]),
        (["BIGINT[]", "BIGINT"], [([1], 1), ([2], 2)]),
        (["VARCHAR", "STRUCT(n INTEGER)"], [("a", {"n": 1}), ("b", {"n": 2})]),
        (["VARCHAR", "INTERVAL"], [("a", 1), ("b", 2)]),
        (["VARCHAR", "BIGINT", "BIGINT"], [("a", 1, 2), ("b", 1, 2)]),
    ],
)
def test_anything_else_is_a_table_alone(kinds: list[str], rows: list[Any]) -> None:
    assert chart(kinds, rows) is None
