"""Landing what a tap left open, from outside its functions: all of it has to be in the lake already."""

import datetime as dt
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tap_runtime import lake
from tap_runtime.attempts import LATER
from tap_runtime.collect import lands_anywhere
from tap_runtime.land import Lander
from tap_runtime.manifest import Counts
from tap_runtime.marker import read_marker
from tap_runtime.room import Room
from tap_runtime.store import ObjectStore


@dataclass(frozen=True)
class Ended:
    """One open batch and what became of it. `left` says why it is still open; `counts` None: it held nothing acknowledged."""

    batch: str
    counts: Counts | None = None
    left: str | None = None


def land_open(store: ObjectStore, tap: str, scratch: Path) -> Iterator[Ended]:
    """Lands every open batch of the tap, oldest first; others may be landing them too. Raises LakeDown."""
    lander = Lander(store, scratch / "spool", Room(scratch / "room"), lambda: dt.datetime.now(dt.UTC), os.urandom)
    for _, batch in sorted(lake.open_batches(store, tap)):
        if (body := store.get(lake.marker_key(tap, batch))) is not None:
            yield _ended(lander, tap, batch, body)


def _ended(lander: Lander, tap: str, batch: str, body: bytes) -> Ended:
    try:
        marker = read_marker(body)
        if not lands_anywhere(lander.store, tap, batch, marker.ack):
            most = "" if marker.at_most is None else f", at most {marker.at_most.records:,} records"
            return Ended(batch, left=f"on the disk of the environment that took it, or lost with it{most}")
        manifest = lander.land_stored(tap, batch)
    except LATER as error:
        return Ended(batch, left=f"{type(error).__name__}: {error}".removesuffix(": "))
    return Ended(batch, None if manifest is None else manifest.counts)
