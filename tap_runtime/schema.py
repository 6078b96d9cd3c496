"""Declared columns and their types, as settings carry them; what JSON each takes is in `scalars.py` and `values.py`."""

from typing import Literal

from msgspec import Struct

INTEGERS = {
    "TINYINT": (-(2**7), 2**7 - 1),
    "SMALLINT": (-(2**15), 2**15 - 1),
    "INTEGER": (-(2**31), 2**31 - 1),
    "BIGINT": (-(2**63), 2**63 - 1),
    "UTINYINT": (0, 2**8 - 1),
    "USMALLINT": (0, 2**16 - 1),
    "UINTEGER": (0, 2**32 - 1),
    "UBIGINT": (0, 2**64 - 1),
}
SCALARS = (*INTEGERS, "BOOLEAN", "VARCHAR", "DOUBLE", "FLOAT", "DECIMAL", "TIMESTAMP", "TIMESTAMPTZ", "DATE", "TIME", "UUID", "JSON")


class Type(Struct, frozen=True, omit_defaults=True):
    """A DuckDB type. `kind` is one of SCALARS, STRUCT, LIST (one unnamed field) or MAP (its value's field; keys are VARCHAR)."""

    kind: str
    sql: str
    fields: tuple["Field", ...] = ()
    precision: int = 0
    scale: int = 0
    epoch: Literal["s", "ms"] | None = None


class Field(Struct, frozen=True):
    """A named part of a nested type."""

    name: str
    type: Type


class Column(Struct, frozen=True, omit_defaults=True):
    """A top-level field senders declare; `required` is NOT NULL."""

    name: str
    type: Type
    required: bool = False
    about: str | None = None
