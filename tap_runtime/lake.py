"""The lake: object keys (pure), what a store of objects must do, and CREATE, the primitive the protocol rests on."""

import datetime as dt
import functools
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

MESH = "_mesh/mesh.json"
OPEN = "_mesh/open/"
STAGED = "_mesh/staged/"
LANDED = "_mesh/landed/"
LOST = "_mesh/lost/"
_BATCH = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-[0-9a-f]{32}", re.ASCII)
SEAL_DAYS = 30  # no environment of Lambda lives so long that its batch would still have to be fenced


def new_batch(now: dt.datetime, random: Callable[[int], bytes]) -> str:
    """A batch's id, drawn at its first record: the UTC second it opens and 128 random bits."""
    return f"{now:%Y%m%dT%H%M%S}Z-{random(16).hex()}"


@functools.lru_cache(maxsize=16)  # each request asks for the open batch's
def opened_at(batch: str) -> dt.datetime:
    """When a batch opened, from its id alone; raises ValueError for anything that is not one."""
    match = _BATCH.fullmatch(batch)
    if match is None:
        raise ValueError(f"not a batch id: {batch[:80]}")
    year, month, day, hour, minute, second = map(int, match.groups())
    return dt.datetime(year, month, day, hour, minute, second, tzinfo=dt.UTC)


def is_batch(name: str) -> bool:
    """Whether a name is a batch's id."""
    return _BATCH.fullmatch(name) is not None


def data_key(tap: str, batch: str, part: int = 0) -> str:
    """Where a batch's Parquet ends up: the hour the batch opened."""
    suffix = f"-{part}" if part else ""
    return f"{tap}/data/{opened_at(batch):year=%Y/month=%m/day=%d/hour=%H}/{batch}{suffix}.parquet"


def settings_key(tap: str, sha256: str) -> str:
    """The settings object a batch names."""
    return f"_mesh/settings/{tap}/{sha256}.json"


def source_key(source: str, sha256: str) -> str:
    """What a declared source has read, as its bookmark names it."""
    return f"_mesh/sources/{source}/{sha256}"


def marker_key(tap: str, batch: str) -> str:
    """The object that says a batch is open."""
    return f"{OPEN}{tap}/{batch}"


def stored_prefix(tap: str, batch: str) -> str:
    """Segments, their SEAL and the render attempts of a batch."""
    return f"_mesh/stored/{tap}/{batch}/"


def segment_key(tap: str, batch: str, seq: int) -> str:
    """A segment or the SEAL; numbers sort as text."""
    return f"{stored_prefix(tap, batch)}{seq:08d}"


def try_key(tap: str, batch: str, nonce: str) -> str:
    """Says that a batch with segments was about to be rendered."""
    return f"{stored_prefix(tap, batch)}try-{nonce}"


def is_try(key: str) -> bool:
    """Whether a key under `stored_prefix` is of a render attempt."""
    return "/try-" in key


def idempotency_key(tap: str, sender: str | None, key: str, body_sha256: str) -> str:
    """The object that names the one segment a keyed request counts in. Without a sender the body is part of it."""
    owner = f"sender\n{sender}\n" if sender is not None else f"body\n{body_sha256}\n"
    return f"_mesh/keys/{tap}/{hashlib.sha256((owner + key).encode()).hexdigest()}"


def staged_prefix(tap: str, batch: str, attempt: str = "") -> str:
    """What landing tries of a batch put before one of them commits."""
    return f"{STAGED}{tap}/{batch}/" + (f"{attempt}/" if attempt else "")


def manifest_key(tap: str, batch: str) -> str:
    """The object whose creation is the commit."""
    return f"{LANDED}{tap}/{opened_at(batch):%Y-%m-%d}/{batch}.json"


def quarantine_key(tap: str, batch: str) -> str:
    """The records of a batch that could not land."""
    return f"_mesh/quarantine/{tap}/{opened_at(batch):%Y-%m-%d}/{batch}.ndjson.gz"


def lost_key(tap: str, batch: str) -> str:
    """The report that a batch is presumed lost."""
    return f"{LOST}{tap}/{batch}"


@dataclass(frozen=True)
class Entry:
    """One listed object."""

    key: str
    size: int
    modified: dt.datetime


class Objects(Protocol):
    """What accepting needs of an object store. Every method raises LakeDown when it cannot tell, and only then."""

    def get(self, key: str) -> bytes | None: ...
    def put(self, key: str, body: bytes, keep_days: int | None = None) -> None:
        """`keep_days`: the object goes after so many days, by a rule of the bucket for its tag, which copies of it have too."""

    def put_new(self, key: str, body: bytes, keep_days: int | None = None) -> bool:
        """Puts with If-None-Match:*. False: something is there, which after a lost reply may be our own."""


class Store(Objects, Protocol):
    """An object store, whole; it puts files too."""

    def put(self, key: str, body: bytes | Path, keep_days: int | None = None) -> None: ...
    def copy(self, source: str, target: str) -> bool:
        """Copies on the server's side. False: there is no such source."""

    def delete(self, keys: list[str]) -> None: ...
    def list(self, prefix: str) -> Iterator[Entry]: ...


def open_batches(store: Store, tap: str = "") -> Iterator[tuple[str, str]]:
    """Tap and batch of every marker, or of one tap's; passes over what somebody else put there."""
    for entry in store.list(f"{OPEN}{tap}/" if tap else OPEN):
        owner, _, batch = entry.key.removeprefix(OPEN).partition("/")
        if is_batch(batch):
            yield owner, batch


def create(store: Objects, key: str, body: bytes, keep_days: int | None = None) -> bytes | None:
    """CREATE: None when `body` (which carries a nonce) is now there by us, else the other's bytes that won.

    obstore repeats a request whose reply was lost, so "exists" alone says nothing: only reading back does.
    """
    while not store.put_new(key, body, keep_days):
        found = store.get(key)
        if found is not None:
            return None if found == body else found
    return None
