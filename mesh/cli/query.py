"""`tapmesh query`: SQL over the lake."""

import csv
import shutil
import sys
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import duckdb
import typer

from mesh.cli.options import TAPS_YAML, File, Lake, place
from mesh.cli.say import data, fail
from mesh.lake.place import NoLake
from mesh.lake.query import open_lake
from tap_runtime.errors import LakeDown

NAME = "query"
MAX_ROWS = 1000


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


def run(
    sql: Annotated[str, typer.Argument(help="One SELECT; taps are tables, and so are _manifests and _quarantine.")],
    shape: Annotated[
        Format, typer.Option("--format", help="table, csv, json (a line a row) or parquet (to standard output).")
    ] = Format.TABLE,
    file: File = TAPS_YAML,
    lake: Lake = None,
) -> None:
    """Query what landed. Example: tapmesh query "select eventType, count(*) from clicks group by all" """
    if shape is Format.PARQUET and sys.stdout.isatty():
        fail("Parquet is not for a terminal", "tapmesh query … --format parquet > rows.parquet")
    try:
        with tempfile.TemporaryDirectory() as folder:
            connection = open_lake(place(lake, file), Path(folder))
            rows = connection.sql(sql)
            if rows is None:
                fail("not a query: expected one SELECT")
            if shape is Format.PARQUET:
                rows.write_parquet(f"{folder}/rows.parquet", compression="zstd")
                sys.stdout.buffer.write((Path(folder) / "rows.parquet").read_bytes())
            else:
                _print(connection, rows, shape)
    except (NoLake, LakeDown) as error:
        fail(str(error), code=1)
    except duckdb.Error as error:
        fail(str(error))


def _print(connection: duckdb.DuckDBPyConnection, rows: duckdb.DuckDBPyRelation, shape: Format) -> None:
    if shape is Format.JSON:
        for (line,) in connection.execute(f"SELECT to_json(r) FROM ({rows.sql_query()}) AS r").fetchall():
            data(line)
    elif shape is Format.CSV:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(rows.columns)
        writer.writerows(rows.fetchall())
    else:
        rows.show(max_width=shutil.get_terminal_size().columns, max_rows=MAX_ROWS)
