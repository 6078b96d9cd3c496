"""The manifest: what a batch became. Its creation is the commit; from it alone anyone can finish what a crash left."""

import hashlib
from pathlib import Path

from msgspec import Struct

from tap_runtime import FORMAT
from tap_runtime.format import read_back
from tap_runtime.segment import Tally


class File(Struct, frozen=True):
    """One file of a batch: where it was staged, where it ends up."""

    kind: str
    staged: str
    key: str
    rows: int
    bytes: int
    sha256: str


class Counts(Struct, frozen=True, kw_only=True):
    """Lines. received = accepted + refused; accepted = read by the SQL + quarantined at landing + duplicates. Rows follow from the SQL."""

    requests: int
    received: int
    accepted: int
    refused: int
    read: int
    quarantined: int
    duplicates: int
    rows: int


class Manifest(Struct, frozen=True, kw_only=True):
    """`segments`: how many stood in the lake before the SEAL, None for a batch from this environment's disk."""

    format: int = FORMAT
    tap: str
    batch: str
    attempt: str
    settings: str
    opened_at: str
    landed_at: str
    counts: Counts
    senders: tuple[Tally, ...]
    faults: dict[str, int]
    files: tuple[File, ...]
    segments: int | None = None
    replaces: tuple[str, ...] = ()


def read_manifest(body: bytes) -> Manifest:
    """A manifest from its bytes; raises NewerFormat or Broken."""
    return read_back(body, Manifest, "the manifest")


def sha256_of(path: Path) -> str:
    """A file's digest."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
