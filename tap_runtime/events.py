"""The view `events` that a team's statement reads, over a spool or over nothing; and the two ways DuckDB reads a spool."""

from pathlib import Path
from typing import Any

import msgspec

from tap_runtime.records import SPOOLED_LINE_BYTES
from tap_runtime.sandbox import literal, quote
from tap_runtime.schema import Column
from tap_runtime.settings import TapSettings


def events_columns(columns: tuple[Column, ...], keeps_extra: bool) -> list[tuple[str, str]]:
    """Names and DuckDB types of the view `events`, in the order of `select *`."""
    declared = [(column.name, column.type.sql) for column in columns] or [("record", "JSON")]
    extra = [("_extra", "JSON")] if columns and keeps_extra else []
    meta = [("_received_at", "TIMESTAMP"), ("_sender", "VARCHAR"), ("_batch", "VARCHAR"), ("_request", "BIGINT")]
    return declared + extra + meta


def empty_view(columns: tuple[Column, ...], keeps_extra: bool) -> str:
    """`events` with no rows, to bind a statement against."""
    selected = ", ".join(f"NULL::{kind} AS {quote(name)}" for name, kind in events_columns(columns, keeps_extra))
    return f"CREATE OR REPLACE VIEW events AS SELECT {selected} WHERE false"


def spooled(settings: TapSettings, data: Path) -> str:
    """A sealed batch's spooled lines as a table function: r, t, s, d and, where extra fields are kept, x. It takes 34 MB to read them."""
    fields = ", ".join(f"{quote(column.name)} {column.type.sql}" for column in settings.columns)
    columns = ", ".join(f"{name}: {literal(kind)}" for name, kind in _envelope(settings, f"STRUCT({fields})").items())
    return f"read_json({literal(str(data))}, format='newline_delimited', columns={{{columns}}}, maximum_object_size={SPOOLED_LINE_BYTES})"


def spooled_parts(settings: TapSettings, *parts: Path) -> str:
    """The same as a subquery over parts of the batch. It takes a tenth more CPU and 26 MB less (docs/decisions.md).

    OFFSET 0 keeps DuckDB from parsing a line once for a condition and again for its columns. A spooled line holds no control
    character, so none is cut in two.
    """
    kinds = _envelope(settings, {column.name: column.type.sql for column in settings.columns})
    structure = literal(msgspec.json.encode(kinds).decode())
    files = f"[{', '.join(literal(str(path)) for path in parts)}]"
    shape = "auto_detect=false, header=false, columns={'line': 'VARCHAR'}, delim='\x01', quote='', escape='', comment='', new_line='\\n'"
    longest = SPOOLED_LINE_BYTES + 2_000  # the line end, and room to spare
    lines = f"read_csv({files}, {shape}, parallel=false, max_line_size={longest}, buffer_size={longest + 1})"
    return f"(SELECT unnest(parsed) FROM (SELECT from_json(line, {structure}) AS parsed FROM {lines} OFFSET 0))"


def _envelope(settings: TapSettings, record: Any) -> dict[str, Any]:
    kinds = {"r": "BIGINT", "t": "BIGINT", "s": "VARCHAR", "d": record if settings.columns else "JSON"}
    return kinds | ({"x": "JSON"} if _has_extra(settings) else {})


def events_view(settings: TapSettings, batch: str, source: str) -> str:
    """`events` over `source`, which has the columns of `spooled`."""
    inner = [f"d.{quote(column.name)} AS {quote(column.name)}" for column in settings.columns] or ["d AS record"]
    inner += ["x AS _extra"] if _has_extra(settings) else []
    inner += ["make_timestamp(t) AS _received_at", "s AS _sender", f"{literal(batch)} AS _batch", "r AS _request"]
    return f"CREATE OR REPLACE VIEW events AS SELECT {', '.join(inner)} FROM {source}"


def _has_extra(settings: TapSettings) -> bool:
    return bool(settings.columns) and settings.extra == "keep"
