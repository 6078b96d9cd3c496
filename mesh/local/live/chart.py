"""Whether a result is worth drawing, and as what: a label or time beside a number."""

import math
from collections.abc import Sequence
from typing import Any

_TIMES = ("DATE", "TIMESTAMP", "TIME")
_MOST_BARS = 40
_LABEL = 120
_NESTED = ("STRUCT", "MAP", "[]", "BLOB", "UNION")
_NUMBERS = ("INT", "DECIMAL", "DOUBLE", "FLOAT")


def chart(kinds: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Any] | None:
    """`line` over times, `bars` over anything else; None where rows and columns do not suit."""
    if len(kinds) != 2 or len(rows) < 2:
        return None
    label, number = (0, 1) if _is_number(kinds[1]) else (1, 0)
    if not _is_number(kinds[number]) or any(word in kinds[label] for word in _NESTED):
        return None
    values = [row[number] for row in rows]
    if any(value is None or not math.isfinite(value) for value in values):
        return None
    is_line = kinds[label].startswith(_TIMES)
    if any(value < 0 for value in values) or (not is_line and len(rows) > _MOST_BARS):
        return None
    labels = ["NULL" if row[label] is None else _cut(str(row[label])) for row in rows]
    return {"kind": "line" if is_line else "bars", "labels": labels, "values": [float(value) for value in values]}


def _cut(label: str) -> str:
    return label if len(label) <= _LABEL else f"{label[: _LABEL - 1]}…"


def _is_number(kind: str) -> bool:
    return any(word in kind for word in _NUMBERS) and not any(word in kind for word in (*_NESTED, "INTERVAL"))
