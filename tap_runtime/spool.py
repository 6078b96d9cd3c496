"""The files a buffered batch is kept in until it lands: append under a lock, seal by renaming, recover what a crash left.

`<tap>/open/<batch>/` while it takes records, `<tap>/sealed/<batch>/` after. An index entry behind every request says how far the bytes
before it are whole; what stands past the last whole entry was never acknowledged and is cut.
"""

import contextlib
import fcntl
import os
import shutil
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import Struct

from tap_runtime import FORMAT
from tap_runtime.disk import is_full
from tap_runtime.errors import Broken, DiskFull, SpoolFull
from tap_runtime.format import read_back
from tap_runtime.lake import is_batch
from tap_runtime.segment import Span, Tally

HEADER, DATA, REFUSED, SENDERS, INDEX, TRIES = "header.json", "data.ndjson", "refused.ndjson", "senders.ndjson", "index", "tries"
_ENTRY = struct.Struct("<QQHIIII")  # ends of data and refused; sender; that sender's requests, accepted, refused so far; span checksum
_CHECK = struct.Struct("<I")
_SIZE = _ENTRY.size + _CHECK.size
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


class Header(Struct, frozen=True):
    """What a spool was opened for."""

    tap: str
    batch: str
    settings: str
    format: int = FORMAT


@dataclass(frozen=True)
class Sealed:
    """A sealed batch as files: data and refused lines, cut to what was acknowledged, and who sent how much."""

    header: Header
    folder: Path
    tallies: tuple[Tally, ...]


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
            names = (DATA, REFUSED, SENDERS, INDEX)
            self._data, self._refused, self._senders, self._index = (os.open(folder / name, _APPEND, 0o600) for name in names)
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
            except OSError as error:
                self._undo()
                raise _unwritable(self._root, "write to the spool", error) from error
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
        checksum = zlib.crc32(span.refused, zlib.crc32(span.data))
        entry = _ENTRY.pack(*ends, self._numbers[sender], total.requests, total.accepted, total.refused, checksum)
        _write_all(self._index, entry + _CHECK.pack(zlib.crc32(entry)))
        self._ends, self._totals[sender] = ends, total

    def _undo(self) -> None:
        """Takes back a half-written request. Should that fail too, recovery cuts it: no index entry speaks for it."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._senders, self._senders_end)
            os.ftruncate(self._index, self.requests * _SIZE)
            os.ftruncate(self._data, self._ends[0])
            os.ftruncate(self._refused, self._ends[1])

    def close(self) -> None:
        """Lets go of the files; what is in them stays."""
        for descriptor in (self._data, self._refused, self._senders, self._index):
            os.close(descriptor)


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


def recover(folder: Path) -> Sealed | None:
    """A sealed spool, cut to what was acknowledged; None: nothing in it ever was. Raises NewerFormat."""
    if not (folder / HEADER).is_file() or not (folder / INDEX).is_file():
        return None
    try:
        header = read_header(folder)
    except Broken:  # torn as the spool was made
        return None
    index = (folder / INDEX).read_bytes()
    whole = _whole_entries(folder, index)
    if not whole:
        return None
    data_end, refused_end, *_ = _ENTRY.unpack_from(index, (whole - 1) * _SIZE)
    _cut(folder / DATA, data_end)
    _cut(folder / REFUSED, refused_end)
    _cut(folder / INDEX, whole * _SIZE)
    return Sealed(header, folder, _tallies(folder, index, whole))


def _whole_entries(folder: Path, index: bytes) -> int:
    """How many entries from the start speak for bytes that are there; only a tail can be torn."""
    for count in range(len(index) // _SIZE, 0, -1):
        at = (count - 1) * _SIZE
        entry = index[at : at + _ENTRY.size]
        if _CHECK.unpack_from(index, at + _ENTRY.size)[0] != zlib.crc32(entry):
            continue
        start = _ENTRY.unpack_from(index, at - _SIZE)[:2] if at else (0, 0)
        *ends, _, _, _, _, checksum = _ENTRY.unpack(entry)
        data = _read(folder / DATA, start[0], ends[0])
        refused = _read(folder / REFUSED, start[1], ends[1])
        whole = data is not None and refused is not None
        if whole and zlib.crc32(refused or b"", zlib.crc32(data or b"")) == checksum:
            return count
    return 0


def _read(path: Path, start: int, end: int) -> bytes | None:
    if not path.is_file() or path.stat().st_size < end:
        return None
    with path.open("rb") as file:
        file.seek(start)
        return file.read(end - start)


def _cut(path: Path, size: int) -> None:
    if path.stat().st_size > size:
        os.truncate(path, size)


def _tallies(folder: Path, index: bytes, whole: int) -> tuple[Tally, ...]:
    """Each sender's last entry has its totals: read backwards until every sender was met."""
    named, _, _ = (folder / SENDERS).read_bytes().rpartition(b"\n")  # a torn last name has no entry yet
    senders = [msgspec.json.decode(line) for line in named.split(b"\n")]
    found: dict[int, Tally] = {}
    for at in range((whole - 1) * _SIZE, -1, -_SIZE):
        _, _, number, requests, accepted, refused, _ = _ENTRY.unpack_from(index, at)
        found.setdefault(number, Tally(senders[number], requests, accepted, refused))
        if len(found) == len(senders):
            break
    return tuple(found[number] for number in sorted(found))
