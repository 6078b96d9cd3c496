"""A stored batch's segments -> the same files a spool has. Keyed requests count only in the segment their key names."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tap_runtime import lake
from tap_runtime.lake import Store
from tap_runtime.segment import KeyOwner, Seal, Segment, Tally, add_up, read_owner, unpack
from tap_runtime.spool import DATA, REFUSED

_encode = msgspec.json.Encoder().encode


def segments(store: Store, tap: str, batch: str) -> Iterator[Segment | Seal]:
    """What stands under a batch's numbers, from 0 without gaps, the SEAL last if it is there."""
    seq = 0
    while (body := store.get(lake.segment_key(tap, batch, seq))) is not None:
        part = unpack(body)
        yield part
        if isinstance(part, Seal):
            return
        seq += 1


def seal_stored(store: Store, tap: str, batch: str, random: Callable[[int], bytes]) -> None:
    """Fences the batch's owner: CREATEs a SEAL behind its last segment, unless there is one."""
    numbered = [entry.key for entry in store.list(lake.stored_prefix(tap, batch)) if not lake.is_try(entry.key)]
    if numbered and isinstance(unpack(store.get(max(numbered)) or b"{}"), Seal):
        return
    seq = int(max(numbered).rpartition("/")[2]) + 1 if numbered else 0
    body = _encode(Seal(nonce=random(16).hex()))
    while (other := lake.create(store, lake.segment_key(tap, batch, seq), body, lake.SEAL_DAYS)) is not None:
        if isinstance(unpack(other), Seal):
            return
        seq += 1


def lands_anywhere(store: Store, tap: str, batch: str, ack: str) -> bool:
    """Whether any environment can end an open batch, not its own alone: all of it is in the lake, or it has landed and is to be cleaned."""
    if ack == "stored" or any(True for _ in store.list(lake.stored_prefix(tap, batch))):
        return True
    return store.get(lake.manifest_key(tap, batch)) is not None


@dataclass(frozen=True)
class Collected:
    """What a stored batch held: `duplicates` are accepted lines of repeats, kept out of the files."""

    settings: str
    tallies: tuple[Tally, ...]
    duplicates: int
    segments: int


def collect(store: Store, tap: str, batch: str, folder: Path) -> Collected | None:
    """Writes a sealed batch's files into `folder`; None: a segment or the SEAL is missing, as it is once another has landed the batch."""
    tallies: list[Tally] = []
    settings = ""
    duplicates = count = 0
    sealed = False
    with (folder / DATA).open("wb") as data, (folder / REFUSED).open("wb") as refused:
        for part in segments(store, tap, batch):
            if isinstance(part, Seal):
                sealed = True
                break
            settings = part.header.settings
            if _counts(store, part, count):
                data.write(part.data)
                refused.write(part.refused)
                tallies += part.header.tallies
            else:  # refused lines of a repeat are in quarantine already, with the first
                tallies += [msgspec.structs.replace(tally, refused=0) for tally in part.header.tallies]
                duplicates += sum(tally.accepted for tally in part.header.tallies)
            count += 1
    return Collected(settings, add_up(tallies), duplicates, count) if sealed else None


def _counts(store: Store, part: Segment, seq: int) -> bool:
    """Whether this segment's records count: its key names it, or nobody's key does yet and we make it so."""
    header = part.header
    if header.key is None or header.body_sha256 is None:
        return True
    mine = KeyOwner(header.batch, seq, header.body_sha256)
    owner = store.get(header.key) or lake.create(store, header.key, _encode(mine))  # it is there, but where its owner was cut off
    return owner is None or read_owner(owner) == mine
