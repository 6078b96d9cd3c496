"""SHUTDOWN: a spool goes to the lake as it is, as segment 0 with a SEAL behind it; whoever finds the marker lands it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec

from tap_runtime import lake, segment
from tap_runtime.lake import Store
from tap_runtime.recover import Sealed, recover
from tap_runtime.segment import Seal, SegmentHeader
from tap_runtime.spool import DATA, REFUSED, sealed_folder

_SAVED = "saved"
_encode = msgspec.json.Encoder().encode


def save(store: Store, spool: Path, tap: str, batch: str, largest: int, random: Callable[[int], bytes]) -> bool:
    """Whether all that was acknowledged of a sealed spool is in the lake now, and the spool gone. May be repeated; raises LakeDown.

    A spool of more than `largest` bytes stays: it could not be held in memory, nor sent in the two seconds there are.
    """
    folder = sealed_folder(spool, tap, batch)
    sealed = recover(folder)
    if sealed is None or _bytes(sealed) > largest:
        return sealed is None
    (folder / _SAVED).touch()
    lake.create(store, lake.segment_key(tap, batch, 0), _packed(sealed, random))  # if there is one, it is our own of an earlier try
    lake.create(store, lake.segment_key(tap, batch, 1), _encode(Seal(nonce=random(16).hex())), lake.SEAL_DAYS)
    shutil.rmtree(folder, ignore_errors=True)
    return True


def is_saved(spool: Path, tap: str, batch: str) -> bool:
    """Whether a save of this spool was begun: others may be landing its segment, so it must not land from here."""
    return (sealed_folder(spool, tap, batch) / _SAVED).exists()


def _bytes(sealed: Sealed) -> int:
    return sum((sealed.folder / name).stat().st_size for name in (DATA, REFUSED))


def _packed(sealed: Sealed, random: Callable[[int], bytes]) -> bytes:
    data, refused = ((sealed.folder / name).read_bytes() for name in (DATA, REFUSED))
    header = SegmentHeader(
        nonce=random(16).hex(),
        tap=sealed.header.tap,
        batch=sealed.header.batch,
        settings=sealed.header.settings,
        tallies=sealed.tallies,
        data_bytes=len(data),
        refused_bytes=len(refused),
    )
    return segment.pack(header, data, refused)
