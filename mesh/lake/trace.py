"""What became of one receipt: of its batch by the markers and manifests, of its own request by the batch's files."""

import gzip
import tempfile
from dataclasses import dataclass, replace
from typing import Literal

import duckdb
import msgspec

from mesh.lake.place import Place, newest_settings, read_object
from tap_runtime import lake
from tap_runtime.collect import lands_anywhere
from tap_runtime.manifest import File, Manifest, read_manifest
from tap_runtime.marker import Marker, read_marker
from tap_runtime.settings import read_settings
from tap_runtime.store import ObjectStore

_BY_REQUEST = {("_batch", "VARCHAR"), ("_request", "BIGINT")}


@dataclass(frozen=True)
class Traced:
    """Where a request's records are.

    `state`: landed; quarantined, with nothing of its batch left for the SQL; open; lost; or unknown, in a known tap when the batch has no
    such request. `rows` and `quarantined` are the request's own: None where the SQL does not keep its number, or the file has expired.
    """

    state: Literal["landed", "quarantined", "open", "lost", "unknown"]
    tap: str | None
    batch: str
    request: int
    manifest: Manifest | None = None
    manifest_key: str | None = None
    rows_where: str | None = None
    rows: int | None = None
    quarantined: int | None = None


def trace(place: Place, receipt: str) -> Traced:
    """Follows `<batch>-<request>`; raises ValueError when it is no receipt, NoLake or LakeDown."""
    batch, _, number = receipt.strip().rpartition("-")
    lake.opened_at(batch)
    if not number.isdecimal():
        raise ValueError(f"not a receipt: {receipt[:80]}")
    nowhere = Traced("unknown", None, batch, int(number))
    store = place.store()
    for tap in newest_settings(store):
        asked = replace(nowhere, tap=tap)
        # before the manifest: a batch that lands meanwhile has one of them
        marker = read_object(store, lake.marker_key(tap, batch), read_marker)
        if (manifest := read_object(store, lake.manifest_key(tap, batch), read_manifest)) is not None:
            return _landed(store, asked, manifest)
        is_lost = store.get(lake.lost_key(tap, batch)) is not None
        if marker is not None and (not is_lost or lands_anywhere(store, tap, batch, marker.ack)):
            return _open(store, asked, marker)
        if is_lost:
            return replace(asked, state="lost")
    return nowhere


def _open(store: ObjectStore, asked: Traced, marker: Marker) -> Traced:
    """A stored request is there as a segment; which ones a buffered batch has is known when it lands."""
    assert asked.tap is not None
    if marker.ack == "stored" and store.get(lake.segment_key(asked.tap, asked.batch, asked.request)) is None:
        manifest = read_object(store, lake.manifest_key(asked.tap, asked.batch), read_manifest)  # landed since, its segments gone?
        return asked if manifest is None else _landed(store, asked, manifest)
    return replace(asked, state="open")


def _landed(store: ObjectStore, asked: Traced, manifest: Manifest) -> Traced:
    found = replace(asked, manifest=manifest, manifest_key=lake.manifest_key(manifest.tap, manifest.batch))
    if asked.request >= manifest.counts.requests:
        return found
    files = {file.kind: file for file in manifest.files}
    quarantined = _quarantined(store, files["quarantine"], asked.request) if "quarantine" in files else 0
    state: Literal["landed", "quarantined"] = "landed" if manifest.counts.read or manifest.counts.duplicates else "quarantined"
    found = replace(found, state=state, quarantined=quarantined)
    if not _keeps_requests(store, manifest):
        return found if "parquet" in files else replace(found, rows=0)
    where = f"_batch = '{asked.batch}' and _request = {asked.request}"
    return replace(found, rows_where=where, rows=_rows(store, files["parquet"], where) if "parquet" in files else 0)


def _keeps_requests(store: ObjectStore, manifest: Manifest) -> bool:
    settings = read_object(store, lake.settings_key(manifest.tap, manifest.settings), read_settings)
    return settings is not None and {(column.name, column.type) for column in settings.output} >= _BY_REQUEST


class _Entry(msgspec.Struct):
    request: int
    lines: int


def _quarantined(store: ObjectStore, file: File, request: int) -> int | None:
    """How many lines of the request are in the batch's quarantine file."""
    body = _body(store, file)
    if body is None:
        return None
    entries = msgspec.json.Decoder(_Entry).decode_lines(gzip.decompress(body))
    return sum(entry.lines for entry in entries if entry.request == request)


def _rows(store: ObjectStore, file: File, where: str) -> int | None:
    """How many rows of the batch's Parquet file are the request's."""
    body = _body(store, file)
    if body is None:
        return None
    with tempfile.NamedTemporaryFile(suffix=".parquet") as copy, duckdb.connect() as connection:
        copy.write(body)
        copy.flush()
        found = connection.execute(f"SELECT count(*) FROM read_parquet(?) WHERE {where}", [copy.name]).fetchone()
    return None if found is None else int(found[0])


def _body(store: ObjectStore, file: File) -> bytes | None:
    """The file, published yet or not; None once it has expired."""
    return store.get(file.key) or store.get(file.staged) or store.get(file.key)
