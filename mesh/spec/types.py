"""DuckDB column syntax -> the runtime's `Type`, through DuckDB's own parser."""

import difflib
import re
from functools import lru_cache
from typing import Any, Literal

import duckdb

from tap_runtime.sandbox import quote
from tap_runtime.schema import SCALARS, Column, Field, Type

_NOT_NULL = re.compile(r"\s+NOT\s+NULL\s*$", re.IGNORECASE)
_ALIASES = {"TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ"}
_MAX_NESTED = 100
_ALLOWED = f"{', '.join(SCALARS)}, STRUCT(…), LIST (type[]) or MAP(VARCHAR, …)"


def parse_column(name: str, text: str, epoch: Literal["s", "ms"] | None, about: str | None) -> Column:
    """A declared column; raises ValueError in words."""
    bare = _NOT_NULL.sub("", text)
    kind = parse_type(bare)
    if epoch is not None:
        if kind.kind not in ("TIMESTAMP", "TIMESTAMPTZ"):
            raise ValueError(f"epoch goes with TIMESTAMP or TIMESTAMPTZ, not {kind.sql}")
        kind = Type(kind.kind, kind.sql, epoch=epoch)
    return Column(name, kind, required=bare != text, about=about)


@lru_cache(maxsize=1000)
def parse_type(text: str) -> Type:
    """One type; raises ValueError in words."""
    if re.search(r"\b(NOT\s+NULL|COLLATE|DEFAULT|PRIMARY|CHECK)\b", text, re.IGNORECASE):
        raise ValueError("only NOT NULL may stand behind a column's type, and only at its end")
    try:
        if max(text.count("["), text.count("(")) > _MAX_NESTED:
            raise ValueError(f"at most {_MAX_NESTED} brackets in a type")
        if len(duckdb.sqltype(f"STRUCT(x {text})").children) != 1:
            raise ValueError(f"expected one type, got {text.strip()[:60]}")
        return _convert(duckdb.sqltype(text))
    except duckdb.Error:
        shown = text.strip()[:60] or "an empty text"
        raise ValueError(f"{shown} is not a DuckDB type; {_allowed(text)}") from None


def _allowed(text: str) -> str:
    close = difflib.get_close_matches(text.strip().upper(), SCALARS, n=1)
    return f"did you mean {close[0]}?" if close else f"allowed: {_ALLOWED}"


def _convert(found: Any) -> Type:
    match found.id:
        case "struct":
            fields = tuple(Field(name, _convert(child)) for name, child in found.children)
            return Type("STRUCT", f"STRUCT({', '.join(f'{quote(field.name)} {field.type.sql}' for field in fields)})", fields)
        case "list":
            item = _convert(found.children[0][1])
            return Type("LIST", f"{item.sql}[]", (Field("", item),))
        case "map":
            key, value = (_convert(child) for _, child in found.children)
            if key.kind != "VARCHAR":
                raise ValueError("a MAP's keys are VARCHAR here, as JSON's are")
            return Type("MAP", f"MAP(VARCHAR, {value.sql})", (Field("value", value),))
        case "decimal":
            (_, precision), (_, scale) = found.children
            return Type("DECIMAL", f"DECIMAL({precision},{scale})", precision=precision, scale=scale)
    name = _ALIASES.get(str(found), str(found))
    if name not in SCALARS:
        raise ValueError(f"{name} is not supported in a schema; allowed: {_ALLOWED}")
    return Type(name, name)
