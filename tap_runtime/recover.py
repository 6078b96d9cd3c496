"""A sealed spool, read after whatever ended its writer: cut to the last request whose index entry speaks for whole bytes."""

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tap_runtime.errors import Broken
from tap_runtime.index import ENTRY_BYTES, START, Entry, checksum, unpack
from tap_runtime.segment import Tally
from tap_runtime.spool import DATA, INDEX, REFUSED, SENDERS, Header, read_header


@dataclass(frozen=True)
class Sealed:
    """A sealed batch as files: data and refused lines, cut to what was acknowledged, and who sent how much."""

    header: Header
    folder: Path
    tallies: tuple[Tally, ...]


def recover(folder: Path) -> Sealed | None:
    """A sealed spool, cut to what was acknowledged; None: nothing in it ever was. Raises NewerFormat, or Broken: it must stay then."""
    index = (folder / INDEX).read_bytes() if (folder / INDEX).is_file() else b""
    if len(index) < ENTRY_BYTES:
        return None
    try:
        return _recovered(folder, index)
    except (Broken, OSError, LookupError, msgspec.MsgspecError):
        what = f"the spool {folder} is not as tapmesh wrote it, and what it acknowledged cannot be read"
        raise Broken(f"{what}; move that folder away to have its batch reported as lost") from None


def _recovered(folder: Path, index: bytes) -> Sealed:
    header = read_header(folder)
    whole, last = _last_whole(folder, index)
    if not whole:
        raise Broken("no index entry speaks for whole bytes")
    _cut(folder / DATA, last.data_end)
    _cut(folder / REFUSED, last.refused_end)
    _cut(folder / INDEX, whole * ENTRY_BYTES)
    return Sealed(header, folder, _tallies(folder, index, whole))


def _last_whole(folder: Path, index: bytes) -> tuple[int, Entry]:
    """How many entries from the start speak for bytes that are there, and the last of them; only a tail can be torn."""
    for count in range(len(index) // ENTRY_BYTES, 0, -1):
        entry = unpack(index, count - 1)
        before = unpack(index, count - 2) if count > 1 else START
        if entry is not None and before is not None and _is_there(folder, before, entry):
            return count, entry
    return 0, START


def _is_there(folder: Path, before: Entry, entry: Entry) -> bool:
    data = _read(folder / DATA, before.data_end, entry.data_end)
    refused = _read(folder / REFUSED, before.refused_end, entry.refused_end)
    return data is not None and refused is not None and checksum(data, refused) == entry.checksum


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
    for number in range(whole - 1, -1, -1):
        entry = unpack(index, number)
        if entry is not None:
            found.setdefault(entry.sender, Tally(senders[entry.sender], entry.requests, entry.accepted, entry.refused))
        if len(found) == len(senders):
            break
    return tuple(found[sender] for sender in sorted(found))
