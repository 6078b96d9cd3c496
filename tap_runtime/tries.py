"""Render attempts, counted before each so that a batch which kills its lander is known by it; only then is it poison."""

from pathlib import Path
from typing import Protocol

from tap_runtime import lake
from tap_runtime.lake import Store


class Tries(Protocol):
    """A batch's count of render attempts that did not end."""

    def count(self) -> int: ...
    def add(self) -> None: ...
    def forget(self) -> None: ...


class LocalTries:
    """Render attempts of a batch on this disk, counted before each: a byte in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def count(self) -> int:
        return self._path.stat().st_size if self._path.exists() else 0

    def add(self) -> None:
        with self._path.open("ab") as file:
            file.write(b".")

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)


class StoredTries:
    """Render attempts of a batch with segments, counted before each: an object."""

    def __init__(self, store: Store, tap: str, batch: str) -> None:
        self._store, self._tap, self._batch = store, tap, batch

    def _keys(self) -> list[str]:
        return [entry.key for entry in self._store.list(lake.stored_prefix(self._tap, self._batch)) if "/try-" in entry.key]

    def count(self) -> int:
        return len(self._keys())

    def add(self) -> None:
        number = self.count()
        while not self._store.put_new(lake.attempt_key(self._tap, self._batch, number), b"{}"):
            number += 1

    def forget(self) -> None:
        keys = self._keys()
        if keys:
            self._store.delete(keys)
