"""`tapmesh query`: SQL over the lake."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mesh.cli.names import complete_people
from mesh.cli.options import TAPS_YAML, File, Lake, loaded, place
from mesh.cli.rights import asked_day, somebody
from mesh.cli.rows import Format, show
from mesh.cli.say import fail

if TYPE_CHECKING:
    import duckdb

    from mesh.lake.reach import Reach
    from mesh.spec.mesh import Mesh

NAME = "query"
EXAMPLES = {
    'tapmesh query "select eventType, count(*) from clicks group by all"': "each tap is a table",
    'tapmesh query "from clicks" --format csv > clicks.csv': "all rows as CSV; json (a line a row) and parquet too",
    'tapmesh query "select tap, reason, record from _quarantine"': "what could not land, and why",
    'tapmesh query "select tap, batch, rows from _manifests"': "every batch that landed",
    'tapmesh query "select tap, sender, landed_at, accepted from _senders"': "who wrote what, and when",
    'tapmesh query "from clicks" --as lead': "only where they may read, by taps.yaml",
    'tapmesh query "show tables"': "which tables there are",
}
Sql = Annotated[str, typer.Argument(metavar="SQL", help="One SELECT; taps are tables, and so are _manifests, _senders and _quarantine.")]
Shape = Annotated[
    Format,
    typer.Option(
        "--format", help="A table, in a pipe a line a value where it is too wide; csv, json, lines (the first column, bare) or parquet."
    ),
]
Who = Annotated[
    str | None,
    typer.Option("--as", metavar="WHO", help="Read no more than this person, team, role or account may.", autocompletion=complete_people),
]
Limit = Annotated[
    int | None,
    typer.Option("--limit", metavar="N", min=1, help="How many rows a table shows; else 40 on a terminal, 1,000 in a pipe."),
]


def run(
    sql: Sql,
    shape: Shape = Format.TABLE,
    who: Who = None,
    limit: Limit = None,
    file: File = TAPS_YAML,
    lake: Lake = None,
) -> None:
    """Query what has landed, with DuckDB's SQL."""
    import duckdb

    from mesh.cli.empty import explain
    from mesh.lake.query import open_lake
    from mesh.lake.select import BadSelect, bad_select, one_select, tables

    if shape is Format.PARQUET and sys.stdout.isatty():
        fail("Parquet is not for a terminal", "tapmesh query … --format parquet > rows.parquet")
    if limit is not None and shape is not Format.TABLE:
        fail(f"--limit is for tables, not {shape.value}", "write LIMIT into the statement")
    where = place(lake, file)
    mesh = None if who is None else loaded(file)
    within = None if mesh is None or who is None else _reach(mesh, who)
    with tempfile.TemporaryDirectory() as folder, open_lake(where, Path(folder), reach=within) as connection:
        try:
            bare = one_select(connection, sql)
            count = _interruptible(connection, lambda: show(connection, bare, shape, limit, Path(folder)))
        except (BadSelect, duckdb.Error) as error:
            if mesh is not None and within is not None:
                _may_not_read(mesh, within, str(who), str(error))
            bad = error if isinstance(error, BadSelect) else bad_select(error, sql)
            fail(str(bad), bad.hint)
        taps = [name for name in tables(connection) if within is None or name in within.own]
    explain(where, file, sql, taps, none_found=count == 0)


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


def _interruptible(connection: duckdb.DuckDBPyConnection, work: Callable[[], int]) -> int:
    """Ctrl-C ends the query: DuckDB computes without looking for signals, so it does it in a thread of its own."""
    with ThreadPoolExecutor(1) as thread:
        done = thread.submit(work)
        try:
            return done.result()
        except KeyboardInterrupt:
            connection.interrupt()
            raise
