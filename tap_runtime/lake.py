"""The lake: object keys (pure), the object store behind them (obstore: S3 or a folder), and CREATE, the primitive the protocol rests on."""

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import LocalStore, S3Store

from tap_runtime.errors import LakeDown

MESH = "_mesh/mesh.json"
OPEN = "_mesh/open/"
STAGED = "_mesh/staged/"
_BATCH = re.compile(r"(\d{8}T\d{6})Z-[0-9a-f]{32}", re.ASCII)


def new_batch(now: dt.datetime, random: Callable[[int], bytes]) -> str:
    """A batch's id, drawn at its first record: the UTC second it opens and 128 random bits."""
    return f"{now:%Y%m%dT%H%M%S}Z-{random(16).hex()}"


def opened_at(batch: str) -> dt.datetime:
    """When a batch opened, from its id alone; raises ValueError for anything that is not one."""
    match = _BATCH.fullmatch(batch)
    if match is None:
        raise ValueError(f"not a batch id: {batch[:80]}")
    return dt.datetime.strptime(match[1], "%Y%m%dT%H%M%S").replace(tzinfo=dt.UTC)


def data_key(tap: str, batch: str, part: int = 0) -> str:
    """Where a batch's Parquet ends up: the hour the batch opened."""
    suffix = f"-{part}" if part else ""
    return f"{tap}/data/{opened_at(batch):year=%Y/month=%m/day=%d/hour=%H}/{batch}{suffix}.parquet"


def settings_key(tap: str, sha256: str) -> str:
    """The settings object a batch names."""
    return f"_mesh/settings/{tap}/{sha256}.json"


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
    return f"_mesh/landed/{tap}/{opened_at(batch):%Y-%m-%d}/{batch}.json"


def quarantine_key(tap: str, batch: str) -> str:
    """The records of a batch that could not land."""
    return f"_mesh/quarantine/{tap}/{opened_at(batch):%Y-%m-%d}/{batch}.ndjson.gz"


def lost_key(tap: str, batch: str) -> str:
    """The report that a batch is presumed lost."""
    return f"_mesh/lost/{tap}/{batch}"


@dataclass(frozen=True)
class Entry:
    """One listed object."""

    key: str
    size: int
    modified: dt.datetime


class Store(Protocol):
    """An object store. Every method raises LakeDown when it cannot tell, and only then."""

    def get(self, key: str) -> bytes | None: ...
    def put(self, key: str, body: bytes | Path) -> None: ...
    def put_new(self, key: str, body: bytes) -> bool:
        """Puts with If-None-Match:*. False: something is there, which after a lost reply may be our own."""

    def copy(self, source: str, target: str) -> bool:
        """Copies on the server's side. False: there is no such source."""

    def delete(self, keys: list[str]) -> None: ...
    def list(self, prefix: str) -> Iterator[Entry]: ...


class ObjectStore:
    """A Store on obstore: a folder or an S3 bucket."""

    def __init__(self, store: LocalStore | S3Store) -> None:
        self._store = store

    def get(self, key: str) -> bytes | None:
        try:
            return bytes(obstore.get(self._store, key).bytes())
        except (NotFoundError, FileNotFoundError):
            return None
        except (BaseError, OSError) as error:
            raise _down("read", key, error) from error

    def put(self, key: str, body: bytes | Path) -> None:
        try:
            obstore.put(self._store, key, body)
        except (BaseError, OSError) as error:
            raise _down("write", key, error) from error

    def put_new(self, key: str, body: bytes) -> bool:
        try:
            obstore.put(self._store, key, body, mode="create")
        except (AlreadyExistsError, FileExistsError):
            return False
        except (BaseError, OSError) as error:
            raise _down("create", key, error) from error
        return True

    def copy(self, source: str, target: str) -> bool:
        try:
            obstore.copy(self._store, source, target)
        except (NotFoundError, FileNotFoundError):
            return False
        except (BaseError, OSError) as error:
            raise _down("copy", source, error) from error
        return True

    def delete(self, keys: list[str]) -> None:
        try:
            for start in range(0, len(keys), 1000):
                obstore.delete(self._store, keys[start : start + 1000])
        except (NotFoundError, FileNotFoundError):
            for key in keys if len(keys) > 1 else ():
                self.delete([key])
        except (BaseError, OSError) as error:
            raise _down("delete", keys[0], error) from error

    def list(self, prefix: str) -> Iterator[Entry]:
        try:
            for page in obstore.list(self._store, prefix):
                for meta in page:
                    yield Entry(meta["path"], meta["size"], meta["last_modified"])
        except (NotFoundError, FileNotFoundError):
            return
        except (BaseError, OSError) as error:
            raise _down("list", prefix, error) from error


def _down(verb: str, key: str, error: Exception) -> LakeDown:
    return LakeDown(f"cannot {verb} {key} in the lake: {type(error).__name__}: {str(error).splitlines()[0][:300]}")


def folder(path: Path) -> ObjectStore:
    """The lake as a folder on this machine."""
    return ObjectStore(LocalStore(path, mkdir=True))


def bucket(url: str) -> ObjectStore:
    """The lake as `s3://bucket[/prefix]`, with the environment's AWS credentials."""
    retry: Any = {"max_retries": 2, "retry_timeout": dt.timedelta(seconds=8)}
    return ObjectStore(S3Store.from_url(url, client_options={"timeout": "8s", "allow_http": True}, retry_config=retry))


def create(store: Store, key: str, body: bytes) -> bytes | None:
    """CREATE: None when `body` (which carries a nonce) is now there by us, else the other's bytes that won.

    obstore repeats a request whose reply was lost, so "exists" alone says nothing: only reading back does.
    """
    while not store.put_new(key, body):
        found = store.get(key)
        if found is not None:
            return None if found == body else found
    return None
