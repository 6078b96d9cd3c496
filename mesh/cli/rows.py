"""Rows as a query prints them: a table for people; CSV, JSON, Parquet or bare lines for programs."""

from __future__ import annotations

import csv
import io
import shutil
import sys
from contextlib import redirect_stdout
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from mesh.cli.say import data, note, out

if TYPE_CHECKING:
    import duckdb

COUNTED = 10_000
WIDEST = 160  # characters a table in a pipe may take, which has no width of its own


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"
    LINES = "lines"


def show(connection: duckdb.DuckDBPyConnection, sql: str, shape: Format, limit: int | None, scratch: Path) -> int:
    """Prints the rows of a bare statement; how many there were."""
    if shape is Format.TABLE:
        return _table(connection, sql, limit or (40 if out.is_terminal else 1000))
    if shape is Format.PARQUET:
        rows = connection.sql(sql)
        rows.write_parquet(str(scratch / "rows.parquet"), compression="zstd")
        sys.stdout.buffer.write((scratch / "rows.parquet").read_bytes())
        return -1
    if shape in (Format.JSON, Format.LINES):
        query = f"SELECT to_json(r) FROM (\n{sql}\n) AS r" if shape is Format.JSON else sql
        lines = connection.execute(query).fetchall()
        for line, *_ in lines:
            data(line)
        return len(lines)
    found = connection.execute(sql)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([name for name, *_ in found.description or ()])
    values = found.fetchall()
    writer.writerows(values)
    return len(values)


def _table(connection: duckdb.DuckDBPyConnection, sql: str, limit: int) -> int:
    """At most `limit` rows; on stderr how many more there are, counted up to COUNTED."""
    rows = connection.sql(f"SELECT * FROM (\n{sql}\n) LIMIT {max(limit, COUNTED) + 1}").materialize()
    count = len(rows)
    shown = rows.limit(limit)
    if out.is_terminal:
        data(_drawn(shown, shutil.get_terminal_size().columns, limit))
    else:
        _whole(shown, limit)
    if count > limit:
        more = f"{count - limit:,}" if count <= COUNTED else f"more than {COUNTED - limit:,}" if limit < COUNTED else "and"
        note(f"… {more} more row{'' if count - limit == 1 else 's'}; --limit N shows more of them, --format csv all")
    return count


def _drawn(rows: duckdb.DuckDBPyRelation, width: int, limit: int) -> str:
    """DuckDB's table, cut to so many characters."""
    with redirect_stdout(io.StringIO()) as drawn:
        rows.show(max_width=width, max_rows=limit)
    return drawn.getvalue().rstrip("\n")


def _whole(rows: duckdb.DuckDBPyRelation, limit: int) -> None:
    """The table if it fits WIDEST, else a line a value, as psql's `expanded auto`: nothing is cut, nor padded to the longest value."""
    drawn = _drawn(rows, 1_000_000, limit)
    if drawn.index("\n") <= WIDEST or len(rows) == 0:
        data(drawn)
        return
    name_width = max(map(len, rows.columns))
    for number, values in enumerate(rows.project("COLUMNS(*)::VARCHAR").fetchall(), 1):
        data(f"-- row {number}")
        for name, value in zip(rows.columns, values, strict=True):
            data(f"{name:{name_width}}  {'NULL' if value is None else _on_one_line(value)}")


def _on_one_line(text: str) -> str:
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
