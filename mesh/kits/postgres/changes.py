"""What both of PostgreSQL's output plugins say, as values; and a change as the line a tap gets."""

import datetime as dt
from dataclasses import dataclass

import msgspec
from psycopg2.extensions import UNICODEARRAY

_WHOLE = {"smallint", "integer", "bigint", "oid"}
_FLOATS = {"real", "double precision"}
Values = dict[str, object]


@dataclass(frozen=True)
class Begin:
    """A transaction that was committed. `lsn`: of its commit; transactions come in that order."""

    lsn: int
    committed_at: str


@dataclass(frozen=True)
class Row:
    """One change: I, U, D or T (truncate). `key`: what identified the row before; `row`: what it is now, without what stayed in TOAST."""

    action: str
    schema: str
    table: str
    key: Values | None = None
    row: Values | None = None


@dataclass(frozen=True)
class Commit:
    """The end of a transaction; once all of it is stored, `end` may be confirmed."""

    end: int


Message = Begin | Row | Commit


def value(kind: str, text: str | None) -> object:
    """JSON of a value in PostgreSQL's own words: numbers, booleans and arrays as such where nothing is lost, else the words themselves.

    `kind` is the type as format_type() names it. The words of numeric, timestamps, bytea, json, enums … cast back to the same value."""
    if text is None:
        return None
    if kind.endswith("[]") and kind != "box[]":  # whose elements are told apart by semicolons
        return _elements(kind[:-2], UNICODEARRAY(text, None))
    if kind in _WHOLE or (kind in _FLOATS and text[-1].isdigit()):  # not NaN, Infinity
        return msgspec.Raw(text.encode())
    return text == "t" if kind == "boolean" else text


def _elements(kind: str, elements: object) -> object:
    if isinstance(elements, list):
        return [_elements(kind, element) for element in elements]
    assert elements is None or isinstance(elements, str)
    return value(kind, elements)


def filled(row: Values, before: Values) -> Values:
    """The row with what an update left alone and PostgreSQL did not repeat, where the old row (REPLICA IDENTITY FULL) tells it."""
    return row if before.keys() <= row.keys() else {**before, **row}


def line(begin: Begin, number: int, row: Row) -> bytes:
    """The record of a change; `lsn` and `n` together are its place and its identity."""
    record: Values = {"lsn": lsn_text(begin.lsn), "n": number, "action": row.action, "committed_at": begin.committed_at}
    record |= {"schema_name": row.schema, "table_name": row.table}
    record |= {name: values for name, values in (("key", row.key), ("row", row.row)) if values is not None}
    return msgspec.json.encode(record) + b"\n"


def lsn_text(lsn: int) -> str:
    """As PostgreSQL writes it."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def lsn_number(text: str) -> int:
    """The inverse."""
    high, _, low = text.partition("/")
    return int(high, 16) << 32 | int(low, 16)


def moment(when: dt.datetime) -> str:
    """A UTC time as ISO 8601."""
    return f"{when:%Y-%m-%dT%H:%M:%S.%f}Z"
