"""What became of one receipt, and how a lake stands as a whole."""

from collections import Counter
from dataclasses import dataclass

import msgspec

from mesh.lake.place import Place, newest_settings
from tap_runtime import lake
from tap_runtime.manifest import Manifest, read_manifest


@dataclass(frozen=True)
class Traced:
    """Where a request's records are. `state`: landed, open, lost or unknown; `rows_where` selects its rows when the SQL kept _request."""

    state: str
    tap: str | None
    batch: str
    request: int
    manifest: Manifest | None = None
    manifest_key: str | None = None
    rows_where: str | None = None


@dataclass(frozen=True)
class TapStatus:
    """One tap: batches open now, and what has landed so far."""

    tap: str
    open_batches: int
    landed_batches: int
    rows: int
    quarantined: int
    lost_batches: int
    last_landed_at: str | None


def trace(place: Place, receipt: str) -> Traced:
    """Follows `<batch>-<request>`; raises ValueError when it is no receipt."""
    batch, _, number = receipt.strip().rpartition("-")
    lake.opened_at(batch)
    if not number.isdigit():
        raise ValueError(f"not a receipt: {receipt[:80]}")
    store = place.store()
    for tap, settings in newest_settings(store).items():
        key = lake.manifest_key(tap, batch)
        if (body := store.get(key)) is not None:
            manifest = read_manifest(body)
            kept = {"_batch", "_request"} <= {column.name for column in settings.output}
            where = f"_batch = '{batch}' and _request = {int(number)}" if kept else None
            return Traced("landed", tap, batch, int(number), manifest, key, where)
        if store.get(lake.marker_key(tap, batch)) is not None:
            return Traced("open", tap, batch, int(number))
        if store.get(lake.lost_key(tap, batch)) is not None:
            return Traced("lost", tap, batch, int(number))
    return Traced("unknown", None, batch, int(number))


def status(place: Place) -> list[TapStatus]:
    """All taps of the lake."""
    store = place.store()
    open_batches = Counter(entry.key.split("/")[2] for entry in store.list(lake.OPEN))
    lost = Counter(entry.key.split("/")[2] for entry in store.list("_mesh/lost/"))
    found = []
    for tap in newest_settings(store):
        bodies = [store.get(entry.key) for entry in store.list(f"_mesh/landed/{tap}/")]
        manifests = [msgspec.json.decode(body, type=Manifest) for body in bodies if body is not None]
        rows = sum(manifest.counts.rows for manifest in manifests)
        quarantined = sum(manifest.counts.quarantined + manifest.counts.refused for manifest in manifests)
        last = max((manifest.landed_at for manifest in manifests), default=None)
        found.append(TapStatus(tap, open_batches[tap], len(manifests), rows, quarantined, lost[tap], last))
    return found
