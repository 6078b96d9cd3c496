"""RENDER: a team's statement over one sealed batch, in the sandbox, into its room: a Parquet file and a quarantine file."""

import threading
from dataclasses import dataclass
from pathlib import Path

import _duckdb as duckdb

from tap_runtime import FORMAT, events, parts, sandbox
from tap_runtime.bisect import BY_ROW, Sieve
from tap_runtime.errors import SqlRefused
from tap_runtime.quarantine import Failed, write_quarantine
from tap_runtime.room import Room
from tap_runtime.segment import Tally
from tap_runtime.settings import TapSettings
from tap_runtime.statement import check_statement, is_row_wise

DEADLINE_S = 25.0
_FEW_COLUMNS = 32  # 300 of them filled all that DuckDB may reserve
PARQUET, QUARANTINE = "part.parquet", "quarantine.ndjson.gz"

_WHOLE_BATCH = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException, duckdb.PermissionException, SqlRefused)


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


def render(work: Work, room: Room) -> Rendered:
    """Runs the statement over the whole batch, in a room that was cleared; raises TryAgain or DiskTrouble."""
    try:
        rows, failed = _outputs(work, room) if work.accepted else (0, [])
        return _finish(work, room.out, rows, failed)
    except (duckdb.IOException, OSError) as error:
        raise DiskTrouble(type(error).__name__) from error
    except (duckdb.Error, MemoryError) as error:
        raise TryAgain(type(error).__name__) from error


def poison(work: Work, room: Room, why: str) -> Rendered:
    """Everything to quarantine, without running the statement."""
    return _finish(work, room.out, 0, [Failed("landing_failed", f"landing failed: {why}", None)])


def _finish(work: Work, out: Path, rows: int, failed: list[Failed]) -> Rendered:
    faults = {fault.code: work.accepted if fault.rows is None else len(fault.rows) for fault in failed}
    quarantine = write_quarantine(out / QUARANTINE, work.data, work.refused, failed) if failed or work.refused_lines else None
    return Rendered(out / PARQUET if rows else None, rows, quarantine, faults)


def _outputs(work: Work, room: Room) -> tuple[int, list[Failed]]:
    room.link(work.data)
    connection = room.connection(work.tap, work.settings.memory_mb, work.settings.sql)
    alarm = threading.Timer(DEADLINE_S, connection.interrupt)
    alarm.daemon = True
    alarm.start()
    worked = False
    try:
        rows, failed = _run(work, room, connection)
        worked = not failed
        return rows, failed
    finally:
        alarm.cancel()
        alarm.join()  # or a late one would interrupt the next batch
        if not worked:
            room.give_up()


def _run(work: Work, room: Room, connection: sandbox.Connection) -> tuple[int, list[Failed]]:
    try:
        room.lock(work.settings.sql, lambda: _holds_little(work, room, connection))
        try:
            return _written(work, room, connection), []
        except duckdb.OutOfMemoryException:
            return _written(work, room, connection, small=True), []
    except _WHOLE_BATCH as error:
        return 0, [Failed(type(error).__name__, f"the statement failed: {_first_line(error)}", None)]
    except BY_ROW as error:
        return _sift(work, room, connection, error)


def _holds_little(work: Work, room: Room, connection: sandbox.Connection) -> bool:
    """Whether the statement, if it is allowed at all, holds no more than a row group of few columns at a time; raises SqlRefused."""
    check_statement(connection, work.settings.sql)
    if len(work.settings.output) > _FEW_COLUMNS:
        return False
    connection.execute(events.events_view(work.settings, work.batch, events.spooled(work.settings, room.data)))
    return is_row_wise(connection, sandbox.wrap(work.settings))


def _written(work: Work, room: Room, connection: sandbox.Connection, small: bool = False) -> int:
    """How many rows the statement wrote; `small`: read and written in the smallest portions."""
    in_parts = small or parts.are_better(room.data, work.accepted)
    source = events.spooled_parts(work.settings, *_parts(room)) if in_parts else events.spooled(work.settings, room.data)
    connection.execute(events.events_view(work.settings, work.batch, source))
    return sandbox.copied_rows(connection, _copy(work, room.out / PARQUET, small))


def _parts(room: Room) -> list[Path]:
    return sorted(room.out.glob("part-*"), key=lambda path: int(path.stem.removeprefix("part-"))) or parts.cut(room.data, room.out)


def _sift(work: Work, room: Room, connection: sandbox.Connection, error: duckdb.Error) -> tuple[int, list[Failed]]:
    """Leaves out the records that a row-wise statement fails on, where they can be told; raises `error` where memory may do next time."""
    (room.out / PARQUET).unlink(missing_ok=True)
    sieve = Sieve(
        connection,
        lambda *files: events.spooled_parts(work.settings, *files),
        lambda source: events.events_view(work.settings, work.batch, source),
        lambda file: _copy(work, file, small=True),
        room.out,
    )
    sifted = sieve.sift(_parts(room), sandbox.wrap(work.settings), room.out / PARQUET)
    memory = isinstance(error, duckdb.OutOfMemoryException)
    if memory and sifted.bad is None:
        raise error
    where = "on it" if sifted.bad is not None else "on the batch"
    why = f"out of memory; give the tap more than memory: {work.settings.memory_mb}MB" if memory else _first_line(error)
    return sifted.rows or 0, [Failed(type(error).__name__, f"the statement failed {where}: {why}", sifted.bad)]


def _copy(work: Work, target: Path, small: bool = False) -> str:
    metadata = {
        "tapmesh.format": str(FORMAT),
        "tapmesh.tap": work.tap,
        "tapmesh.batch": work.batch,
        "tapmesh.settings": work.settings_sha256,
    }
    return sandbox.copy_statement(sandbox.wrap(work.settings), target, metadata, small)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
