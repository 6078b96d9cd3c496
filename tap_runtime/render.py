"""RENDER: a team's statement over one sealed batch, in the sandbox, into its room: a Parquet file and a quarantine file."""

import datetime as dt
import gzip
import shutil
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import _duckdb as duckdb
import msgspec

from tap_runtime import FORMAT, events, parts, sandbox
from tap_runtime.bisect import BY_ROW, Sieve
from tap_runtime.errors import SqlRefused
from tap_runtime.room import Room
from tap_runtime.segment import Tally, moment
from tap_runtime.settings import TapSettings
from tap_runtime.statement import check_statement

DEADLINE_S = 25.0
PARQUET, QUARANTINE = "part.parquet", "quarantine.ndjson.gz"

_WHOLE_BATCH = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException, duckdb.PermissionException, SqlRefused)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_encode = msgspec.json.Encoder(decimal_format="number").encode
_decode = msgspec.json.Decoder(float_hook=Decimal).decode  # numbers as they were sent: 1e400 is none of Python's floats


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
    return _finish(work, room.out, 0, [_Failed("landing_failed", f"landing failed: {why}", None)])


def _finish(work: Work, out: Path, rows: int, failed: list[_Failed]) -> Rendered:
    faults = {fault.code: work.accepted if fault.rows is None else len(fault.rows) for fault in failed}
    quarantine = _write_quarantine(work, out / QUARANTINE, failed) if failed or work.refused_lines else None
    return Rendered(out / PARQUET if rows else None, rows, quarantine, faults)


def _outputs(work: Work, room: Room) -> tuple[int, list[_Failed]]:
    room.link(work.data)
    connection = room.connection(work.tap, work.settings.memory_mb)
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


def _run(work: Work, room: Room, connection: sandbox.Connection) -> tuple[int, list[_Failed]]:
    try:
        check_statement(connection, work.settings.sql)
        try:
            return _written(work, room, connection), []
        except duckdb.OutOfMemoryException:
            return _written(work, room, connection, small=True), []
    except _WHOLE_BATCH as error:
        return 0, [_Failed(type(error).__name__, f"the statement failed: {_first_line(error)}", None)]
    except BY_ROW as error:
        return _sift(work, room, connection, error)


def _written(work: Work, room: Room, connection: sandbox.Connection, small: bool = False) -> int:
    """How many rows the statement wrote; `small`: read and written in the smallest portions."""
    in_parts = small or parts.are_better(room.data, work.accepted)
    source = events.spooled_parts(work.settings, *_parts(room)) if in_parts else events.spooled(work.settings, room.data)
    connection.execute(events.events_view(work.settings, work.batch, source))
    return sandbox.copied_rows(connection, _copy(work, room.out / PARQUET, small))


def _parts(room: Room) -> list[Path]:
    return sorted(room.out.glob("part-*"), key=lambda path: int(path.stem.removeprefix("part-"))) or parts.cut(room.data, room.out)


def _sift(work: Work, room: Room, connection: sandbox.Connection, error: duckdb.Error) -> tuple[int, list[_Failed]]:
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
    return sifted.rows or 0, [_Failed(type(error).__name__, f"the statement failed {where}: {why}", sifted.bad)]


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
    """A spooled record as quarantine has it, ready to be sent again."""
    spooled: dict[str, Any] = _decode(line)
    record = _whole(spooled["d"], spooled.get("x"))
    received_at = _EPOCH + dt.timedelta(microseconds=spooled["t"])
    entry = {"record": _encode(record).decode(), "reason": reason, "sender": spooled["s"], "received_at": moment(received_at)}
    return _encode(entry | {"request": spooled["r"], "line": None, "lines": 1}) + b"\n"


def _whole(good: Any, extra: Any) -> Any:
    """A value and the fields kept beside it because the schema does not name them, as one again (values.py takes them apart)."""
    if isinstance(good, dict) and isinstance(extra, dict):
        return good | {name: _whole(good.get(name), value) for name, value in extra.items()}
    if isinstance(good, list) and isinstance(extra, list):
        return [_whole(*pair) for pair in zip(good, extra, strict=True)]
    return good if extra is None else extra
