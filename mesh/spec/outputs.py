"""What a statement yields -> the columns of a tap's Parquet files: which types are cast, which are refused.

DuckDB would write some of them as something else without a word: HUGEINT in a TUPLE becomes DOUBLE, a UNION a STRUCT.
Others it writes well, but Athena's tables have no type that reads them (docs/decisions.md).
"""

from functools import lru_cache
from typing import Any

import duckdb

from tap_runtime.sandbox import quote
from tap_runtime.schema import SCALARS
from tap_runtime.settings import OutputColumn

RESERVED = ("year", "month", "day", "hour")
_CAST = {
    "HUGEINT": "DECIMAL(38,0)",  # what sum() of integers is
    "UHUGEINT": "DECIMAL(38,0)",
    "JSON": "VARCHAR",
    "TIMESTAMP_S": "TIMESTAMP",
    "TIMESTAMP_MS": "TIMESTAMP",
    '"NULL"': "VARCHAR",
    "UINTEGER": "BIGINT",  # Athena reads unsigned numbers as signed: the upper half would turn negative
    "UBIGINT": "DECIMAL(20,0)",
    "TIME": "VARCHAR",  # no table of Athena has a column of these two
    "UUID": "VARCHAR",
}
_KEPT = {*SCALARS, "TIMESTAMP WITH TIME ZONE", "BLOB"} - {"DECIMAL", "TIMESTAMPTZ", *_CAST}
_INSTEAD = {
    "INTERVAL": "take epoch() of it, which is seconds, or cast it with ::VARCHAR",
    "TIMESTAMP_NS": "cast it with ::TIMESTAMP, which is microseconds",
    "TIME WITH TIME ZONE": "cast it with ::TIME or ::VARCHAR",
    "TIME_NS": "cast it with ::TIME",
    "BIGNUM": "cast it with ::DECIMAL(38,0) or ::VARCHAR",
    "GEOMETRY": "take ST_AsText() of it",
    "UNION": "take one member of it, or cast it with ::VARCHAR",
    "TUPLE": "name its parts, {'a': …, 'b': …}",
}


class BadOutput(Exception):
    """What a statement yields cannot be a tap's columns, in words for its author."""


def output_columns(found: list[tuple[str, str]]) -> tuple[OutputColumn, ...]:
    """The columns of DuckDB's names and types; raises BadOutput."""
    if not found:
        raise BadOutput("the statement yields no column")
    seen: set[str] = set()
    for name, _ in found:
        if name.lower() in RESERVED:
            raise BadOutput(f"column {name}: {', '.join(RESERVED)} are the lake's partitions; give it another name")
        if name.lower() in seen:
            raise BadOutput(f"column {name} stands twice in the result; give one another name (names that differ only in case are one)")
        seen.add(name.lower())
    return tuple(_column(name, kind) for name, kind in found)


def _column(name: str, kind: str) -> OutputColumn:
    if kind in _KEPT:
        return OutputColumn(name, kind)
    try:
        kept = _kept(kind)
    except ValueError as refused:
        raise BadOutput(f"column {name} holds {refused}") from None
    return OutputColumn(name, kept, cast=kept != kind)


@lru_cache(maxsize=10_000)
def _kept(kind: str) -> str:
    """`kind`, or what it is cast to; raises ValueError where it cannot be kept."""
    return _convert(duckdb.sqltype(kind)) if kind != '"NULL"' else _scalar(kind)


def _convert(found: Any) -> str:
    match found.id:
        case "struct":
            fields = [(name, str(child), _convert(child)) for name, child in found.children]
            same = all(kind == kept for _, kind, kept in fields)
            return str(found) if same else f"STRUCT({', '.join(f'{quote(name)} {kept}' for name, _, kept in fields)})"
        case "list" | "array":  # a fixed length is DuckDB's own, files have lists
            return f"{_convert(found.children[0][1])}[]"
        case "map":
            return f"MAP({', '.join(_convert(child) for _, child in found.children)})"
        case "decimal":
            return str(found)
        case "enum":
            return "VARCHAR"
        case "union" | "tuple":
            return _scalar(str(found.id).upper())
    return _scalar(str(found))


def _scalar(kind: str) -> str:
    if kind in _KEPT or kind in _CAST:
        return _CAST.get(kind, kind)
    raise ValueError(f"{kind}, which not every reader of Parquet knows; {_INSTEAD.get(kind, 'cast it with ::VARCHAR')}")
