"""A store that fails once, at a chosen call: the process dies, the lake is down, or the reply to a CREATE is lost."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tap_runtime.errors import LakeDown
from tap_runtime.lake import Entry, Store

CRASHED = 77


class FaultyStore:
    """`fault` happens at call number `at`, counted from 0: crash-before, crash-after, down-before, down-after or lost-reply."""

    def __init__(self, store: Store, fault: str, at: int) -> None:
        self._store, self._fault, self._at = store, fault, at
        self.calls = 0

    def fail_in(self, calls: int, fault: str) -> None:
        """The call after so many more has this fault."""
        self._fault, self._at = fault, self.calls + calls

    def _call(self, run: Callable[[], Any]) -> Any:
        fault = self._fault if self.calls == self._at else ""
        self.calls += 1
        if fault == "crash-before":
            os._exit(CRASHED)
        if fault == "down-before":
            raise LakeDown("down")
        result = run()
        if fault == "crash-after":
            os._exit(CRASHED)
        if fault == "down-after":
            raise LakeDown("down")
        return False if fault == "lost-reply" and result is True else result

    def get(self, key: str) -> bytes | None:
        return self._call(lambda: self._store.get(key))

    def put(self, key: str, body: bytes | Path, keep_days: int | None = None) -> None:
        self._call(lambda: self._store.put(key, body, keep_days))

    def put_new(self, key: str, body: bytes, keep_days: int | None = None) -> bool:
        return self._call(lambda: self._store.put_new(key, body, keep_days))

    def copy(self, source: str, target: str) -> bool:
        if self._fault == "lost-reply":  # obstore reads a copy's reply back itself; there False means that the source is gone
            return self._store.copy(source, target)
        return self._call(lambda: self._store.copy(source, target))

    def delete(self, keys: list[str]) -> None:
        self._call(lambda: self._store.delete(keys))

    def list(self, prefix: str) -> Iterator[Entry]:
        return iter(self._call(lambda: list(self._store.list(prefix))))
