"""Render attempts, counted before each so that a batch which kills its lander is known by it; only then is it poison."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec import Struct

from tap_runtime import lake
from tap_runtime.format import read_back
from tap_runtime.lake import Store

LONGEST = dt.timedelta(seconds=120)  # no try lives longer: each lander ends one that outlives its deadline, and itself with it


class Tries(Protocol):
    """The render attempts of a batch that are known to have failed, and the one under way here."""

    def failed(self) -> int: ...
    def begin(self) -> None: ...
    def fail(self) -> None: ...
    def forget(self) -> None:
        """The one under way did not fail, or not by the batch's fault."""


class LocalTries:
    """Of a batch on this disk, which no other process renders: a byte in a file for each."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def failed(self) -> int:
        return self._path.stat().st_size if self._path.exists() else 0

    def begin(self) -> None:
        with self._path.open("ab") as file:
            file.write(b".")

    def fail(self) -> None:
        """It stays counted."""

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)


class Try(Struct, frozen=True):
    """The body of an attempt's object. One that did not end is failed once it cannot be under way any more."""

    nonce: str
    begun_at: dt.datetime
    failed: bool = False


class StoredTries:
    """Of a batch with segments, which any number of landers may render at once: an object for each."""

    def __init__(self, store: Store, tap: str, batch: str, clock: Callable[[], dt.datetime], random: Callable[[int], bytes]) -> None:
        self._store, self._tap, self._batch, self._clock, self._random = store, tap, batch, clock, random
        self._mine: tuple[str, Try] | None = None

    def failed(self) -> int:
        keys = [entry.key for entry in self._store.list(lake.stored_prefix(self._tap, self._batch)) if lake.is_try(entry.key)]
        bodies = [self._store.get(key) for key in keys]
        tries = [read_back(body, Try, "the render attempt") for body in bodies if body is not None]
        return sum(each.failed or self._clock() - each.begun_at > LONGEST for each in tries)

    def begin(self) -> None:
        mine = Try(self._random(8).hex(), self._clock())
        key = lake.try_key(self._tap, self._batch, mine.nonce)
        lake.create(self._store, key, msgspec.json.encode(mine))
        self._mine = (key, mine)

    def fail(self) -> None:
        if self._mine is not None:
            key, mine = self._mine
            self._store.put(key, msgspec.json.encode(msgspec.structs.replace(mine, failed=True)))

    def forget(self) -> None:
        if self._mine is not None:
            self._store.delete([self._mine[0]])
