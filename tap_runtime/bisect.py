"""A row-wise statement fails on some records: which ones, by halves, within a bound of runs and of time."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import _duckdb as duckdb

from tap_runtime import parts, sandbox
from tap_runtime.statement import is_row_wise

BISECT_RUNS = 200
BISECT_S = 8.0  # a third of the time a landing has, however slow the core is
BY_ROW = (
    duckdb.ConversionException,
    duckdb.OutOfRangeException,
    duckdb.InvalidInputException,
    duckdb.ConstraintException,
    duckdb.OutOfMemoryException,
)


@dataclass(frozen=True)
class Sifted:
    """`rows` came out of the records that are not in `bad`; both None: no record could be told from the others."""

    rows: int | None
    bad: frozenset[int] | None


class Sieve:
    """Runs one statement over any part of one batch.

    `view` is the text of `events` over a source, `source` of one over files, `copy` of the statement to a file.
    """

    def __init__(
        self,
        connection: sandbox.Connection,
        source: Callable[..., str],
        view: Callable[[str], str],
        copy: Callable[[Path], str],
        out: Path,
    ) -> None:
        self._connection, self._source, self._view, self._copy, self._out = connection, source, view, copy, out
        self._numbers = count()

    def sift(self, data: list[Path], query: str, target: Path) -> Sifted:
        """Writes what the good records yield to `target`. A file of `data` is read once; the runs over it read it from memory."""
        until = time.monotonic() + BISECT_S
        bad: set[int] = set()
        runs = first = 0
        for part in data:
            records = self._load(part)
            if not first and (not self._works("false") or not is_row_wise(self._connection, query)):
                return Sifted(None, None)
            if not self._works("true"):
                found, taken = bad_rows(records, self._fails, BISECT_RUNS - runs, lambda: time.monotonic() < until)
                bad |= {first + row for row in found}
                runs += taken
            first += records
        self._connection.execute("DROP TABLE spooled")
        rows = self._keep(data, frozenset(bad), target)
        return Sifted(None, None) if rows is None else Sifted(rows, frozenset(bad))

    def _load(self, part: Path) -> int:
        self._connection.execute(f"CREATE OR REPLACE TABLE spooled AS SELECT * FROM {self._source(part)}")
        row = self._connection.execute("SELECT count(*) FROM spooled").fetchone()
        return int(row[0]) if row is not None else 0

    def _keep(self, data: list[Path], bad: frozenset[int], target: Path) -> int | None:
        kept = []
        first = 0
        for number, part in enumerate(data):
            file, first = parts.without(part, bad, first, self._out / f"kept-{number}.ndjson")
            kept.append(file)
        return self._run(self._source(*kept), target)

    def _fails(self, low: int, high: int) -> bool:
        return not self._works(f"rowid >= {low} AND rowid < {high}")

    def _works(self, where: str) -> bool:
        target = self._out / f"run-{next(self._numbers)}.parquet"
        works = self._run(f"(SELECT * FROM spooled WHERE {where})", target) is not None
        target.unlink(missing_ok=True)
        return works

    def _run(self, source: str, target: Path) -> int | None:
        self._connection.execute(self._view(source))
        try:
            return sandbox.copied_rows(self._connection, self._copy(target))
        except BY_ROW:
            return None


def bad_rows(records: int, fails: Callable[[int, int], bool], most: int, in_time: Callable[[], bool]) -> tuple[frozenset[int], int]:
    """The records of [0, records) that fail, and with them those that could not be told apart in time or in `most` runs; and the runs."""
    bad: list[int] = []
    spans = [(0, records)]
    runs = 0
    while spans:
        low, high = spans.pop()
        if high - low == 1 or runs >= most or not in_time():
            bad += range(low, high)
            continue
        middle = (low + high) // 2
        spans += [half for half in ((low, middle), (middle, high)) if fails(*half)]
        runs += 2
    return frozenset(bad), runs
