"""`tapmesh query`: SQL over the lake."""

from __future__ import annotations

import csv
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mesh.cli.names import complete_people
from mesh.cli.options import TAPS_YAML, File, Lake, loaded, place
from mesh.cli.rights import asked_day, somebody
from mesh.cli.say import data, fail

if TYPE_CHECKING:
    import duckdb

    from mesh.lake.reach import Reach
    from mesh.spec.mesh import Mesh

NAME = "query"
EXAMPLES = {
    'tapmesh query "select eventType, count(*) from clicks group by all"': "a table a tap",
    'tapmesh query "from clicks" --format csv > clicks.csv': "or json, a line a row, or parquet",
    'tapmesh query "select tap, reason, record from _quarantine"': "what could not land, and why",
    'tapmesh query "select tap, batch, rows from _manifests"': "every batch that landed",
    'tapmesh query "select tap, sender, landed_at, accepted from _senders"': "who wrote what, and when",
    'tapmesh query "from clicks" --as lead': "only where they may read, by taps.yaml",
    'tapmesh query "show tables"': "what there is",
}
MAX_ROWS = 1000


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


def run(
    sql: Annotated[
        str, typer.Argument(metavar="SQL", help="One SELECT; taps are tables, and so are _manifests, _senders and _quarantine.")
    ],
    shape: Annotated[
        Format, typer.Option("--format", help="table, csv, json (a line a row) or parquet (to standard output).")
    ] = Format.TABLE,
    who: Annotated[
        str | None,
        typer.Option(
            "--as", metavar="WHO", help="Read no more than this person, team, role or account may.", autocompletion=complete_people
        ),
    ] = None,
    file: File = TAPS_YAML,
    lake: Lake = None,
) -> None:
    """Query what landed."""
    import duckdb

    from mesh.lake.place import NoLake
    from mesh.lake.query import open_lake
    from tap_runtime.errors import LakeDown

    if shape is Format.PARQUET and sys.stdout.isatty():
        fail("Parquet is not for a terminal", "tapmesh query … --format parquet > rows.parquet")
    mesh = None if who is None else loaded(file)
    within = None if mesh is None or who is None else _reach(mesh, who)
    try:
        with tempfile.TemporaryDirectory() as folder:
            connection = open_lake(place(lake, file), Path(folder), reach=within)
            try:
                _one_select(connection, sql)
                _interruptible(connection, lambda: _print(connection, sql, shape, Path(folder)))
            except duckdb.Error as error:
                if mesh is not None and within is not None:
                    _may_not_read(mesh, within, str(who), str(error))
                fail(str(error), _tables(connection) if "Table with name" in str(error) else "")
    except (NoLake, LakeDown) as error:
        fail(str(error), code=1)


def _reach(mesh: Mesh, who: str) -> Reach:
    from mesh.lake.reach import reach

    somebody(who, mesh)
    return reach(mesh, who, asked_day(None))


def _may_not_read(mesh: Mesh, within: Reach, who: str, error: str) -> None:
    """Ends the command when DuckDB found no table because it is a tap out of reach."""
    missing = re.search(r"Table with name (\w+) does not exist", error)
    tap = mesh.taps.get(missing[1].lower()) if missing is not None else None
    if tap is not None and tap.name not in within.data:
        ask = f"ask the owners (team {tap.team}) to grant it in taps.yaml, taps.{tap.name}.grants.read"
        fail(f"{who} may not read {tap.name}", f"{ask}; tapmesh who-can read {tap.name} says who may")


def _tables(connection: duckdb.DuckDBPyConnection) -> str:
    return f"tables here: {', '.join(name for (name,) in connection.execute('SHOW TABLES').fetchall())}"


def _one_select(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    from mesh.spec.statement import without_end

    kinds = [statement.type.name for statement in connection.extract_statements(sql)]
    if kinds != ["SELECT"]:
        got = f"{len(kinds)} statements" if len(kinds) != 1 else kinds[0]
        fail(f"expected one SELECT, got {got}", 'tapmesh query "select * from <tap> limit 10"')
    connection.execute(f"EXPLAIN SELECT * FROM (\n{without_end(sql)}\n)")  # in brackets `WITH x AS (COPY …)`, also a SELECT, does not bind


def _interruptible(connection: duckdb.DuckDBPyConnection, work: Callable[[], None]) -> None:
    """Ctrl-C ends the query: DuckDB computes without looking for signals, so it does it in a thread of its own."""
    with ThreadPoolExecutor(1) as thread:
        done = thread.submit(work)
        try:
            done.result()
        except KeyboardInterrupt:
            connection.interrupt()
            raise


def _print(connection: duckdb.DuckDBPyConnection, sql: str, shape: Format, scratch: Path) -> None:
    rows = connection.sql(sql)
    if shape is Format.PARQUET:
        rows.write_parquet(str(scratch / "rows.parquet"), compression="zstd")
        sys.stdout.buffer.write((scratch / "rows.parquet").read_bytes())
    elif shape is Format.JSON:
        for (line,) in connection.execute(f"SELECT to_json(r) FROM ({rows.sql_query()}) AS r").fetchall():
            data(line)
    elif shape is Format.CSV:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(rows.columns)
        writer.writerows(rows.fetchall())
    else:
        rows.show(max_width=shutil.get_terminal_size().columns, max_rows=MAX_ROWS)
