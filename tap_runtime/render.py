"""RENDER: a team's statement over one sealed batch, in the sandbox, into a fresh local folder: a Parquet file and a quarantine file."""

import datetime as dt
import gzip
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from tap_runtime import FORMAT, sandbox
from tap_runtime.errors import SqlRefused
from tap_runtime.segment import Tally, moment
from tap_runtime.settings import TapSettings

DEADLINE_S = 25.0
BISECT_RUNS = 200
PART_BYTES = 4_000_000
PARQUET, QUARANTINE = "part.parquet", "quarantine.ndjson.gz"

_WHOLE_BATCH = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException, duckdb.PermissionException, SqlRefused)
_BY_ROW = (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException, duckdb.ConstraintException)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_encode = msgspec.json.Encoder().encode


class TryAgain(Exception):
    """Out of memory, over the deadline or an unknown fault: the landing may succeed another time. After three, poison."""


class DiskTrouble(Exception):
    """A disk that is full or cannot be read: again for ever, never poison."""


@dataclass(frozen=True)
class Work:
    """A sealed batch ready to render: its files, whose records they hold, and how many of the accepted are repeats kept out of them."""

    tap: str
    batch: str
    settings: TapSettings
    settings_sha256: str
    data: Path
    refused: Path
    tallies: tuple[Tally, ...]
    duplicates: int = 0
    segments: int | None = None

    @property
    def accepted(self) -> int:
        """Records in `data`."""
        return sum(tally.accepted for tally in self.tallies) - self.duplicates

    @property
    def refused_lines(self) -> int:
        """Lines in `refused`'s entries."""
        return sum(tally.refused for tally in self.tallies)


@dataclass(frozen=True)
class Rendered:
    """What a batch became: `faults` counts records quarantined at landing by code; the two files are None where they would be empty."""

    parquet: Path | None
    rows: int
    quarantine: Path | None
    faults: dict[str, int]


@dataclass(frozen=True)
class _Failed:
    code: str
    reason: str
    rows: frozenset[int] | None  # None: all of them


def render(work: Work, out: Path) -> Rendered:
    """Runs the statement over the whole batch; raises TryAgain or DiskTrouble. `out` is a fresh folder."""
    try:
        rows, failed = _outputs(work, out) if work.accepted else (0, [])
        return _finish(work, out, rows, failed)
    except (duckdb.IOException, OSError) as error:
        raise DiskTrouble(type(error).__name__) from error
    except (duckdb.Error, MemoryError) as error:
        raise TryAgain(type(error).__name__) from error


def poison(work: Work, out: Path, why: str) -> Rendered:
    """Everything to quarantine, without running the statement."""
    return _finish(work, out, 0, [_Failed("landing_failed", f"landing failed: {why}", None)])


def _finish(work: Work, out: Path, rows: int, failed: list[_Failed]) -> Rendered:
    faults = {fault.code: work.accepted if fault.rows is None else len(fault.rows) for fault in failed}
    quarantine = _write_quarantine(work, out / QUARANTINE, failed) if failed or work.refused_lines else None
    return Rendered(out / PARQUET if rows else None, rows, quarantine, faults)


def _outputs(work: Work, out: Path) -> tuple[int, list[_Failed]]:
    connection = sandbox.connect(work.settings.memory_mb)
    alarm = threading.Timer(DEADLINE_S, connection.interrupt)
    alarm.daemon = True
    alarm.start()
    try:
        return _run(work, out, connection)
    finally:
        alarm.cancel()
        connection.close()


def _run(work: Work, out: Path, connection: sandbox.Connection) -> tuple[int, list[_Failed]]:
    source = sandbox.spooled(work.settings, *_parts(work.data, out))
    copy = _copy(work, out / PARQUET)
    try:
        sandbox.lock(connection, reads=work.data, writes=out)
        sandbox.check_statement(connection, work.settings.sql)
        connection.execute(sandbox.events_view(work.settings, work.batch, source))
        return copy(connection), []
    except _WHOLE_BATCH as error:
        return 0, [_Failed(type(error).__name__, f"the statement failed: {_first_line(error)}", None)]
    except _BY_ROW as error:
        (out / PARQUET).unlink(missing_ok=True)
        return _bisect(work, connection, source, copy, error)


def _parts(data: Path, out: Path) -> list[Path]:
    """The data as it is or, where it is large, in smaller copies: DuckDB's reader holds up to 32 MiB of a file at once."""
    if data.stat().st_size <= 3 * PART_BYTES:
        return [data]
    parts: list[Path] = []
    with data.open("rb") as source:
        while chunk := source.read(PART_BYTES):
            parts.append(out / f"part-{len(parts)}.ndjson")
            try:
                with parts[-1].open("wb") as part:
                    part.writelines((chunk, source.readline()))
            except OSError:  # no room for copies: then at the price of memory
                for path in parts:
                    path.unlink(missing_ok=True)
                return [data]
    return parts


def _copy(work: Work, target: Path) -> Callable[[sandbox.Connection], int]:
    metadata = {
        "tapmesh.format": str(FORMAT),
        "tapmesh.tap": work.tap,
        "tapmesh.batch": work.batch,
        "tapmesh.settings": work.settings_sha256,
    }
    statement = sandbox.copy_statement(sandbox.wrap(work.settings), target, metadata)

    def copy(connection: sandbox.Connection) -> int:
        row = connection.execute(statement).fetchone()
        return int(row[1]) if row is not None else 0

    return copy


def _bisect(
    work: Work, connection: sandbox.Connection, source: str, copy: Callable[[sandbox.Connection], int], first: Exception
) -> tuple[int, list[_Failed]]:
    """Finds the records a row-wise statement fails on, within BISECT_RUNS tries; what is left undecided is quarantined with them."""
    code = type(first).__name__

    def run(where: str) -> int | Exception:
        connection.execute(sandbox.events_view(work.settings, work.batch, f"(SELECT * FROM spooled WHERE {where})"))
        try:
            return copy(connection)
        except _BY_ROW as error:
            return error

    connection.execute(f"CREATE TABLE spooled AS SELECT * FROM {source}")
    whole = _Failed(code, f"the statement failed: {_first_line(first)}", None)
    if isinstance(run("false"), Exception) or not sandbox.is_row_wise(connection, sandbox.wrap(work.settings)):
        return 0, [whole]
    bad = sorted(_bad_rows(work.accepted, lambda low, high: isinstance(run(f"rowid >= {low} AND rowid < {high}"), Exception)))
    rows = run(f"rowid NOT IN ({', '.join(map(str, bad))})")
    if isinstance(rows, Exception):
        return 0, [whole]
    return rows, [_Failed(code, f"the statement failed on it: {_first_line(first)}", frozenset(bad))]


def _bad_rows(rows: int, fails: Callable[[int, int], bool]) -> Iterator[int]:
    spans = [(0, rows)]
    runs = 0
    while spans:
        low, high = spans.pop()
        if high - low == 1 or runs >= BISECT_RUNS:
            yield from range(low, high)
            continue
        middle = (low + high) // 2
        halves = [half for half in ((low, middle), (middle, high)) if fails(*half)]
        runs += 2
        spans += halves


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _write_quarantine(work: Work, target: Path, failed: list[_Failed]) -> Path:
    with gzip.GzipFile(target, "wb", compresslevel=6, mtime=0) as file:
        if work.refused.is_file():
            with work.refused.open("rb") as refused:
                shutil.copyfileobj(refused, file)
        for fault in failed:
            file.writelines(_entry(line, fault.reason) for line in _chosen(work.data, fault.rows))
    return target


def _chosen(data: Path, rows: frozenset[int] | None) -> Iterable[bytes]:
    with data.open("rb") as lines:
        yield from (line for number, line in enumerate(lines) if rows is None or number in rows)


def _entry(line: bytes, reason: str) -> bytes:
    """A spooled record as quarantine has it; what the schema did not name stands under `_extra`."""
    spooled: dict[str, Any] = msgspec.json.decode(line)
    record = spooled["d"] | ({"_extra": spooled["x"]} if "x" in spooled else {})
    received_at = _EPOCH + dt.timedelta(microseconds=spooled["t"])
    entry = {"record": _encode(record).decode(), "reason": reason, "sender": spooled["s"], "received_at": moment(received_at)}
    return _encode(entry | {"request": spooled["r"], "line": None, "lines": 1}) + b"\n"
