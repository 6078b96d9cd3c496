"""What was acknowledged and has not landed yet, by tap: how many records, and when they are due."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mesh.lake.place import Place, newest_settings, read_object
from tap_runtime import lake
from tap_runtime.collect import segments
from tap_runtime.marker import Marker, read_marker
from tap_runtime.segment import Segment
from tap_runtime.settings import TapSettings
from tap_runtime.spool import DATA, REFUSED, open_folder, sealed_folder
from tap_runtime.store import ObjectStore


@dataclass(frozen=True)
class Waiting:
    """A tap's open batches. `records`: lines of all of them, or with `at_most` a bound; `due_at`: when the first is old enough to land."""

    tap: str
    records: int
    at_most: bool
    due_at: dt.datetime
    settings: TapSettings


def waiting(place: Place, taps: Iterable[str] | None = None) -> list[Waiting]:
    """Of these taps, or of all, those with open batches; raises NoLake or LakeDown."""
    store = place.store()
    known = newest_settings(store)
    found = (_waiting(place, store, known[tap]) for tap in known if taps is None or tap in taps)
    return [each for each in found if each is not None]


def _waiting(place: Place, store: ObjectStore, settings: TapSettings) -> Waiting | None:
    records, bounded, opened = 0, False, []
    for _, batch in lake.open_batches(store, settings.tap):
        marker = read_object(store, lake.marker_key(settings.tap, batch), read_marker)
        if marker is None:  # landed since
            continue
        count, exact = _records(place, store, settings.tap, batch, marker)
        records, bounded = records + count, bounded or not exact
        opened.append(lake.opened_at(batch))
    if not opened:
        return None
    return Waiting(settings.tap, records, bounded, min(opened) + dt.timedelta(seconds=settings.age_s), settings)


def _records(place: Place, store: ObjectStore, tap: str, batch: str, marker: Marker) -> tuple[int, bool]:
    """Lines of one open batch, and whether that is exact: a buffered batch in the cloud is known by its bound alone."""
    if marker.ack == "stored":
        parts = (part for part in segments(store, tap, batch) if isinstance(part, Segment))
        return sum(tally.accepted + tally.refused for part in parts for tally in part.header.tallies), True
    spool = Path(place.url).parent / "spool"
    for folder in (open_folder(spool, tap, batch), sealed_folder(spool, tap, batch)):
        if not place.is_s3 and (folder / DATA).is_file():
            return sum((folder / name).read_bytes().count(b"\n") for name in (DATA, REFUSED)), True
    return (0 if marker.at_most is None else marker.at_most.records), False
