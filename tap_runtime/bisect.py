"""A row-wise statement fails on some records: which ones, by halves, within a bound of runs and of time."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import _duckdb as duckdb

from tap_runtime import sandbox

BISECT_RUNS = 200
BISECT_S = 8.0  # a third of the time a landing has, however slow the core is
BY_ROW = (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException, duckdb.ConstraintException)


@dataclass(frozen=True)
class Sifted:
    """`rows` came out of the records that are not in `bad`; both None: no record could be told from the others."""

    rows: int | None
    bad: frozenset[int] | None


class Sieve:
    """Runs one statement over any part of one batch. `view` is the text of `events` over a source, `copy` of the statement to a file."""

    def __init__(self, connection: sandbox.Connection, view: Callable[[str], str], copy: Callable[[Path], str], out: Path) -> None:
        self._connection, self._view, self._copy, self._out = connection, view, copy, out
        self._numbers = count()

    def sift(self, source: str, query: str, records: int, target: Path) -> Sifted:
        """Writes what the good records yield to `target`. `source` is read once; the runs read it from memory."""
        self._connection.execute(f"CREATE TABLE spooled AS SELECT * FROM {source}")
        if not self._works("false") or not sandbox.is_row_wise(self._connection, query):
            return Sifted(None, None)
        bad = bad_rows(records, lambda low, high: not self._works(f"rowid >= {low} AND rowid < {high}"), time.monotonic)
        rows = self._run(f"rowid NOT IN ({', '.join(map(str, sorted(bad)))})", target)
        return Sifted(None, None) if rows is None else Sifted(rows, bad)

    def _works(self, where: str) -> bool:
        target = self._out / f"run-{next(self._numbers)}.parquet"
        works = self._run(where, target) is not None
        target.unlink(missing_ok=True)
        return works

    def _run(self, where: str, target: Path) -> int | None:
        self._connection.execute(self._view(f"(SELECT * FROM spooled WHERE {where})"))
        try:
            return sandbox.copied_rows(self._connection, self._copy(target))
        except BY_ROW:
            return None


def bad_rows(records: int, fails: Callable[[int, int], bool], clock: Callable[[], float]) -> frozenset[int]:
    """The records of [0, records) that fail, and with them those that could not be told apart within the bounds."""
    bad: list[int] = []
    spans = [(0, records)]
    runs, until = 0, clock() + BISECT_S
    while spans:
        low, high = spans.pop()
        if high - low == 1 or runs >= BISECT_RUNS or clock() >= until:
            bad += range(low, high)
            continue
        middle = (low + high) // 2
        spans += [half for half in ((low, middle), (middle, high)) if fails(*half)]
        runs += 2
    return frozenset(bad)
