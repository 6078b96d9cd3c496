"""How a lake stands: what each tap has open, has landed and has lost."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from mesh.lake.place import Place, newest_settings, read_object
from tap_runtime import lake
from tap_runtime.manifest import read_manifest


@dataclass(frozen=True)
class TapStatus:
    """One tap: batches open now, lines and rows of what has landed so far. `quarantined`: lines refused, and records at landing."""

    tap: str
    open_batches: int
    landed_batches: int
    received: int
    accepted: int
    quarantined: int
    rows: int
    lost_batches: int
    last_landed_at: str | None


def status(place: Place, taps: Collection[str] | None = None) -> list[TapStatus]:
    """These taps, or all of the lake; raises NoLake or LakeDown."""
    store = place.store()
    open_batches = Counter(tap for tap, _ in lake.open_batches(store))
    reported = [entry.key.split("/")[2:] for entry in store.list(lake.LOST)]
    found = []
    for tap in newest_settings(store):
        if taps is not None and tap not in taps:
            continue
        read = (read_object(store, entry.key, read_manifest) for entry in store.list(f"{lake.LANDED}{tap}/"))
        manifests = [manifest for manifest in read if manifest is not None]
        total: Counter[str] = Counter()
        for manifest in manifests:
            counts = manifest.counts
            total.update(received=counts.received, accepted=counts.accepted, rows=counts.rows, bad=counts.refused + counts.quarantined)
        landed = {manifest.batch for manifest in manifests}
        lost = sum(owner == tap and batch not in landed for owner, batch in reported)
        last = max((manifest.landed_at for manifest in manifests), default=None)
        lines = (total["received"], total["accepted"], total["bad"], total["rows"])
        found.append(TapStatus(tap, open_batches[tap], len(manifests), *lines, lost, last))
    return found
