"""What became of a tap's records, read back from the lake: rows, quarantine, manifests, reports of loss, and what was left behind."""

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from tap_runtime.lake import Store, is_try
from tap_runtime.manifest import Manifest, read_manifest
from tap_runtime.segment import Seal, unpack
from tap_runtime.steward import Lost


@dataclass(frozen=True)
class Landed:
    """Ids with how often they are there; `left` are keys of markers and segments.

    What was staged may stay: S3 takes a put whose sender had given up on it, after the batch was landed by another attempt.
    """

    rows: Counter[str]
    quarantined: Counter[str]
    manifests: tuple[Manifest, ...]
    lost: Mapping[str, Lost]
    left: tuple[str, ...]


def rows(store: Store, tap: str, folder: Path, columns: str) -> list[tuple[Any, ...]]:
    """These columns of all that is in the tap's Parquet."""
    folder.mkdir(exist_ok=True)
    files = []
    for entry in store.list(f"{tap}/data/"):
        files.append(str(folder / Path(entry.key).name))
        Path(files[-1]).write_bytes(store.get(entry.key) or b"")
    return duckdb.sql(f"select {columns} from read_parquet({files}) order by all").fetchall() if files else []


def read_landed(store: Store, tap: str, folder: Path) -> Landed:
    """Of a tap whose records have an `id`; what a manifest says of its files is checked."""
    manifests = tuple(read_manifest(body) for body in _bodies(store, f"_mesh/landed/{tap}/"))
    for manifest in manifests:
        _check(store, manifest)
    entries = [json.loads(line) for body in _bodies(store, f"_mesh/quarantine/{tap}/") for line in gzip.decompress(body).splitlines()]
    lost = (msgspec.json.decode(body, type=Lost) for body in _bodies(store, f"_mesh/lost/{tap}/"))
    return Landed(
        Counter(name for (name,) in rows(store, tap, folder, "id")),
        Counter(json.loads(entry["record"])["id"] for entry in entries),
        manifests,
        {each.batch: each for each in lost},
        tuple(_left(store, tap)),
    )


def _bodies(store: Store, prefix: str) -> list[bytes]:
    return [store.get(entry.key) or b"" for entry in store.list(prefix)]


def _check(store: Store, manifest: Manifest) -> None:
    counts = manifest.counts
    assert counts.received == counts.accepted + counts.refused, manifest
    assert counts.accepted == counts.read + counts.quarantined + counts.duplicates, manifest
    for file in manifest.files:
        body = store.get(file.key) or b""
        assert (len(body), hashlib.sha256(body).hexdigest()) == (file.bytes, file.sha256), file


def _left(store: Store, tap: str) -> list[str]:
    found = [entry.key for entry in store.list(f"_mesh/open/{tap}/")]
    return found + [entry.key for entry in store.list(f"_mesh/stored/{tap}/") if not _is_seal(entry.key, store)]


def _is_seal(key: str, store: Store) -> bool:
    body = store.get(key)
    return body is None or not is_try(key) and isinstance(unpack(body), Seal)
