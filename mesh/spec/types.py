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
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_MAX_NESTED = 50
_ALLOWED = f"{', '.join(SCALARS)}, STRUCT(name TYPE, …), a list TYPE[] or MAP(VARCHAR, TYPE)"
_INSTEAD = {
    **dict.fromkeys(("HUGEINT", "UHUGEINT", "BIGNUM"), "DECIMAL(38,0)"),
    **dict.fromkeys(("BLOB", "BIT", "ENUM", "GEOMETRY"), "VARCHAR"),
    **dict.fromkeys(("UNION", "VARIANT"), "JSON"),
    "INTERVAL": "DOUBLE for seconds, or VARCHAR",
    "TIMESTAMP_S": "TIMESTAMP, with epoch: s where numbers come",
    "TIMESTAMP_MS": "TIMESTAMP, with epoch: ms where numbers come",
    "TIMESTAMP_NS": "TIMESTAMP, which is microseconds",
    **dict.fromkeys(("TIME WITH TIME ZONE", "TIME_NS"), "TIME"),
}
_MEANT = {
    **dict.fromkeys(("NUMBER", "NUM", "MONEY"), "DOUBLE, or DECIMAL(18,2) where digits must be exact"),
    **dict.fromkeys(("STR", "ENUM"), "VARCHAR"),
    **dict.fromkeys(("OBJECT", "ANY", "DICT", "RECORD"), "JSON, or a STRUCT(name TYPE, …)"),
    "SERIAL": "INTEGER or BIGINT",
}

UNREAD = Type('"NULL"', '"NULL"')  # for a type that could not be read: nearly everything in DuckDB takes NULL


def parse_column(name: str, text: str, epoch: Literal["s", "ms"] | None, about: str | None) -> Column:
    """A declared column; raises ValueError in words."""
    bare = _NOT_NULL.sub("", text)
    kind = parse_type(bare)
    if epoch is not None:
        if kind.kind not in ("TIMESTAMP", "TIMESTAMPTZ"):
            raise ValueError(f"epoch goes with TIMESTAMP or TIMESTAMPTZ, not {kind.sql}")
        kind = Type(kind.kind, kind.sql, epoch=epoch)
    return Column(name, kind, required=bare != text, about=about)


def is_type(text: str) -> bool:
    """Whether a column can be declared so."""
    try:
        parse_column("x", text, None, None)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=10_000)
def parse_type(text: str) -> Type:
    """One type; raises ValueError in words."""
    unquoted = _QUOTED.sub("q", text)
    if re.search(r"\b(NOT\s+NULL|COLLATE|DEFAULT|PRIMARY|UNIQUE|REFERENCES|CHECK)\b", unquoted, re.IGNORECASE):
        raise ValueError("only NOT NULL may stand behind a column's type, and only at its end")
    if _depth(unquoted) > _MAX_NESTED:
        raise ValueError(f"a type is nested at most {_MAX_NESTED} deep")
    try:
        if len(duckdb.sqltype(f"STRUCT(x {text})").children) != 1:
            raise ValueError(f"expected one type, got {text.strip()[:60]}")
        return _convert(duckdb.sqltype(text))
    except duckdb.Error as error:
        raise ValueError(_unknown(text.strip(), str(error))) from None


def _depth(text: str) -> int:
    deepest = depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    return deepest + max((len(run) // 2 for run in re.findall(r"(?:\[\])+", text)), default=0)


def _unknown(text: str, fault: str) -> str:
    twice = re.search(r'Duplicate type parameter "?(.+?)"? for', fault)
    if twice is not None:
        return f"the field {twice[1][:60]} stands twice in a STRUCT (names that differ only in case are one)"
    missing = re.search(r"Type with name (\w+) does not exist", fault)
    name = missing[1] if missing is not None else text
    said = f"{name[:60] or 'an empty text'} is not a DuckDB type"
    if re.match("DECIMAL|NUMERIC", text, re.IGNORECASE):
        return f"{said}; DECIMAL(p,s) takes p from 1 to 38 and s from 0 to p"
    if re.match("LIST|ARRAY", text, re.IGNORECASE):
        return f"{said}; a list is written TYPE[], like INTEGER[]"
    bare = name.upper().removeprefix("PG_")
    if bare in _MEANT:
        return f"{said}; write {_MEANT[bare]}"
    close = difflib.get_close_matches(bare, SCALARS, n=1, cutoff=0.7)
    return f"{said}; did you mean {close[0]}?" if close else f"{said}; allowed: {_ALLOWED}"


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
                raise ValueError(f"a MAP's keys are VARCHAR here, as JSON's are, not {key.sql}; write MAP(VARCHAR, {value.sql})")
            return Type("MAP", f"MAP(VARCHAR, {value.sql})", (Field("value", value),))
        case "decimal":
            (_, precision), (_, scale) = found.children
            return Type("DECIMAL", f"DECIMAL({precision},{scale})", precision=precision, scale=scale)
        case "array":
            raise ValueError(f"{found} is not supported in a schema, as lists have no fixed length; write {found.children[0][1]}[]")
    return _scalar(_ALIASES.get(str(found), str(found)))


def _scalar(name: str) -> Type:
    if name in SCALARS:
        return Type(name, name)
    instead = _INSTEAD.get(name.split("(")[0])
    hint = f"write {instead}" if instead is not None else f"allowed: {_ALLOWED}"
    raise ValueError(f"{name[:60]} is not supported in a schema; {hint}")
