"""A lake to read: a folder or `s3://bucket`, and what taps are in it."""

from dataclasses import dataclass
from pathlib import Path

from tap_runtime.settings import TapSettings, read_settings
from tap_runtime.store import ObjectStore, bucket_store, folder_store

_SETTINGS = "_mesh/settings/"


class NoLake(Exception):
    """There is no lake where one was looked for."""


@dataclass(frozen=True)
class Place:
    """Where a lake is: `url` is a folder's path or s3://bucket."""

    url: str

    @property
    def is_s3(self) -> bool:
        """Whether it is a bucket."""
        return self.url.startswith("s3://")

    def store(self) -> ObjectStore:
        """The store behind it; raises NoLake."""
        if self.is_s3:
            return bucket_store(self.url)
        if not Path(self.url).is_dir():
            raise NoLake(f"{self.url}: there is no lake here yet; start the mesh with tapmesh dev, or name one with --lake")
        return folder_store(Path(self.url).resolve())

    def path(self, key: str) -> str:
        """How DuckDB reads an object."""
        return f"{self.url.rstrip('/')}/{key}" if self.is_s3 else str(Path(self.url).resolve() / key)


def newest_settings(store: ObjectStore) -> dict[str, TapSettings]:
    """Every tap of the lake with its newest settings."""
    newest = {}
    for entry in sorted(store.list(_SETTINGS), key=lambda entry: entry.modified):
        newest[entry.key.removeprefix(_SETTINGS).partition("/")[0]] = entry.key
    found = {tap: body for tap, key in sorted(newest.items()) if (body := store.get(key)) is not None}
    return {tap: read_settings(body) for tap, body in found.items()}
