"""The files a buffered batch is kept in until it lands: append under a lock, seal by renaming.

`<tap>/open/<batch>/` while it takes records, `<tap>/sealed/<batch>/` after. What stands past the last whole entry of the index was never
acknowledged; `recover.py` cuts it.
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from tap_runtime import FORMAT
from tap_runtime.disk import is_full
from tap_runtime.errors import DiskFull, SpoolFull
from tap_runtime.format import read_back
from tap_runtime.index import ENTRY_BYTES, Entry, checksum, pack
from tap_runtime.lake import is_batch
from tap_runtime.segment import Span, Tally

HEADER, DATA, REFUSED, SENDERS, INDEX, TRIES = "header.json", "data.ndjson", "refused.ndjson", "senders.ndjson", "index", "tries"
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


class Header(Struct, frozen=True):
    """What a spool was opened for."""

    tap: str
    batch: str
    settings: str
    format: int = FORMAT


def open_folder(root: Path, tap: str, batch: str) -> Path:
    """Where a batch is while it takes records."""
    return root / tap / "open" / batch


def sealed_folder(root: Path, tap: str, batch: str) -> Path:
    """Where a batch is once sealed."""
    return root / tap / "sealed" / batch


class SpoolWriter:
    """The one writer of a new batch's spool. Another process may seal it at any time; then `append` says so and keeps nothing."""

    def __init__(self, root: Path, header: Header) -> None:
        self.header, self._root = header, root
        self.requests = self.records = self.bytes = 0
        folder = open_folder(root, header.tap, header.batch)
        try:
            folder.mkdir(parents=True)
            sealed_folder(root, header.tap, header.batch).parent.mkdir(exist_ok=True)  # now: a full disk has no room for it then
            (folder / HEADER).write_bytes(msgspec.json.encode(header))
            self._data, self._refused, self._senders, self._index = _opened(folder / name for name in (DATA, REFUSED, SENDERS, INDEX))
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise _unwritable(root, "open a spool", error) from error
        self._path = folder / DATA
        self._inode = os.fstat(self._data).st_ino
        self._ends = (0, 0)
        self._senders_end = 0
        self._totals: dict[str | None, Tally] = {}
        self._numbers: dict[str | None, int] = {}

    def append(self, span: Span) -> bool:
        """Keeps the span before it returns True. False: the batch was sealed meanwhile. Raises SpoolFull or DiskFull, keeping nothing."""
        fcntl.flock(self._data, fcntl.LOCK_EX)
        try:
            if not self._is_open():
                return False
            try:
                self._write(span)
            except BaseException as error:  # what it left would stand between the index and every later request
                self._undo()
                if isinstance(error, OSError):
                    raise _unwritable(self._root, "write to the spool", error) from error
                raise
        finally:
            fcntl.flock(self._data, fcntl.LOCK_UN)
        self.requests += 1
        self.records += span.lines
        self.bytes += len(span.data) + len(span.refused)
        return True

    def _is_open(self) -> bool:
        try:
            return self._path.stat().st_ino == self._inode
        except FileNotFoundError:
            return False

    def _write(self, span: Span) -> None:
        sender = span.tally.sender
        if sender not in self._numbers:
            _write_all(self._senders, msgspec.json.encode(sender) + b"\n")
            self._numbers[sender] = len(self._numbers)
            self._senders_end = os.fstat(self._senders).st_size
        if span.data:
            _write_all(self._data, span.data)
        if span.refused:
            _write_all(self._refused, span.refused)
        ends = (self._ends[0] + len(span.data), self._ends[1] + len(span.refused))
        total = self._totals[sender].plus(span.tally) if sender in self._totals else span.tally
        check = checksum(span.data, span.refused)
        _write_all(self._index, pack(Entry(*ends, self._numbers[sender], total.requests, total.accepted, total.refused, check)))
        self._ends, self._totals[sender] = ends, total

    def _undo(self) -> None:
        """Takes back a half-written request. Should that fail too, the batch takes no more, and recovery cuts it off."""
        try:
            os.ftruncate(self._senders, self._senders_end)
            os.ftruncate(self._index, self.requests * ENTRY_BYTES)
            os.ftruncate(self._data, self._ends[0])
            os.ftruncate(self._refused, self._ends[1])
        except OSError:
            self._inode = 0

    def close(self) -> None:
        """Lets go of the files; what is in them stays."""
        for descriptor in (self._data, self._refused, self._senders, self._index):
            os.close(descriptor)


def _opened(paths: Iterable[Path]) -> list[int]:
    """Descriptors to append by: all of them, or none when one cannot be had."""
    descriptors: list[int] = []
    try:
        for path in paths:
            descriptors.append(os.open(path, _APPEND, 0o600))
    except OSError:
        for descriptor in descriptors:
            os.close(descriptor)
        raise
    return descriptors


def _unwritable(root: Path, what: str, error: OSError) -> DiskFull | SpoolFull:
    return DiskFull(f"the disk of {root} is full") if is_full(error) else SpoolFull(f"cannot {what}: {error.strerror}")


def _write_all(descriptor: int, body: bytes) -> None:
    written = os.write(descriptor, body)
    while written < len(body):
        written += os.write(descriptor, body[written:])


def seal(root: Path, tap: str, batch: str) -> None:
    """Takes a batch from its writer: from here it is only read. A batch that is sealed or gone already stays so."""
    folder = open_folder(root, tap, batch)
    sealed_folder(root, tap, batch).parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(folder / DATA, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            folder.rename(sealed_folder(root, tap, batch))
        finally:
            os.close(descriptor)


def is_here(root: Path, tap: str, batch: str) -> bool:
    """Whether there is a spool of the batch. Asked in the order a batch moves, so that a seal in between hides nothing."""
    return open_folder(root, tap, batch).exists() or sealed_folder(root, tap, batch).exists()


def batches(root: Path, state: str) -> Iterator[tuple[str, str]]:
    """(tap, batch) of every spool that is `open` or `sealed`, oldest first; passes over what somebody else put there."""
    found = ((path.parent.parent.name, path.name) for path in root.glob(f"*/{state}/*") if is_batch(path.name))
    yield from sorted(found, key=lambda pair: pair[1])


def read_header(folder: Path) -> Header:
    """What a spool was opened for; raises NewerFormat or Broken."""
    return read_back((folder / HEADER).read_bytes(), Header, "the spool")
