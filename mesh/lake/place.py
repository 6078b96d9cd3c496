"""A lake to read: a folder or `s3://bucket`, and what taps are in it."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tap_runtime.errors import Broken
from tap_runtime.settings import TapSettings, read_settings
from tap_runtime.store import ObjectStore, bucket_store, folder_store

_SETTINGS = "_mesh/settings/"
_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/|$)")
_Read = TypeVar("_Read")


class NoLake(Exception):
    """There is no lake where one was looked for, or what is there cannot be read as one."""


@dataclass(frozen=True)
class Place:
    """Where a lake is: `url` is a folder's path or s3://bucket."""

    url: str

    @property
    def is_s3(self) -> bool:
        """Whether it is a bucket."""
        return self.url.startswith("s3://")

    def store(self) -> ObjectStore:
        """The store behind it; raises NoLake, or OSError for a folder that this user may not read."""
        if "://" in self.url and not _BUCKET.match(self.url):
            raise NoLake(f"{self.url[:200]}: a lake is a folder or s3://bucket")
        if self.is_s3:
            return bucket_store(self.url)
        if not Path(self.url).is_dir():
            raise NoLake(f"{self.url}: there is no lake here yet; tapmesh dev makes it, or name one with --lake")
        os.scandir(self.url).close()
        return folder_store(Path(self.url).resolve())

    def path(self, key: str) -> str:
        """How DuckDB reads an object."""
        return f"{self.url.rstrip('/')}/{key}" if self.is_s3 else str(Path(self.url).resolve() / key)


def newest_settings(store: ObjectStore) -> dict[str, TapSettings]:
    """Every tap of the lake with its newest settings."""
    newest = {}
    for entry in sorted(store.list(_SETTINGS), key=lambda entry: entry.modified):
        newest[entry.key.removeprefix(_SETTINGS).partition("/")[0]] = entry.key
    found = {tap: read_object(store, key, read_settings) for tap, key in sorted(newest.items())}
    return {tap: settings for tap, settings in found.items() if settings is not None}


def read_object(store: ObjectStore, key: str, read: Callable[[bytes], _Read]) -> _Read | None:
    """What `read` makes of an object, None when it is not there; raises NoLake for one that is not as tapmesh wrote it."""
    body = store.get(key)
    try:
        return None if body is None else read(body)
    except Broken as error:
        raise NoLake(f"{key}: {error}; put it back from a copy, or remove it") from None
