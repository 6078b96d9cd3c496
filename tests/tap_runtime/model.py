"""A lake in memory and actors that take turns at every call to it, in an order and with faults drawn beforehand."""

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tap_runtime.errors import LakeDown
from tap_runtime.lake import Entry

NOW = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)
FAULTS = {12: "crash-before", 13: "crash-after", 14: "lost-reply", 15: "down-after"}


class Crashed(BaseException):
    """The actor's process is gone; it reaches the lake no more."""


class MemoryStore:
    """Objects in a dictionary, with the semantics of S3."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def get(self, key: str) -> bytes | None:
        return self.objects.get(key)

    def put(self, key: str, body: bytes | Path, keep_days: int | None = None) -> None:
        self.objects[key] = body.read_bytes() if isinstance(body, Path) else body

    def put_new(self, key: str, body: bytes, keep_days: int | None = None) -> bool:
        if key in self.objects:
            return False
        self.objects[key] = body
        return True

    def copy(self, source: str, target: str) -> bool:
        if source not in self.objects:
            return False
        self.objects[target] = self.objects[source]
        return True

    def delete(self, keys: list[str]) -> None:
        for key in keys:
            self.objects.pop(key, None)

    def list(self, prefix: str) -> Iterator[Entry]:
        yield from [Entry(key, len(body), NOW) for key, body in sorted(self.objects.items()) if key.startswith(prefix)]


class Actor(threading.Thread):
    """A process: runs only while it has the turn, which it hands back before each call to the lake."""

    def __init__(self, main: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._main = main
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self.fault = ""
        self.dead = False
        self.failure: BaseException | None = None

    def run(self) -> None:
        self._go.acquire()
        try:
            self._main()
        except Crashed:
            pass
        except BaseException as error:
            self.failure = error
        self.dead = True
        self._back.release()

    def turn(self, fault: str) -> None:
        """Lets it run up to its next call, which meets `fault`."""
        self.fault = fault
        self._go.release()
        self._back.acquire()

    def pause(self) -> str:
        """Hands the turn back and waits for it; the fault that came with it."""
        self._back.release()
        self._go.acquire()
        return self.fault


class TurnStore:
    """The lake as one actor sees it."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._crashed = False

    def _call(self, run: Callable[[], Any]) -> Any:
        actor = threading.current_thread()
        fault = actor.pause() if isinstance(actor, Actor) and not self._crashed else ""
        self._crashed = self._crashed or fault.startswith("crash")
        if fault == "crash-before" or (self._crashed and not fault):
            raise Crashed
        result = run()
        if fault == "crash-after":
            raise Crashed
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
        return self._call(lambda: self._store.copy(source, target))

    def delete(self, keys: list[str]) -> None:
        self._call(lambda: self._store.delete(keys))

    def list(self, prefix: str) -> Iterator[Entry]:
        return iter(self._call(lambda: list(self._store.list(prefix))))


def play(actors: list[Actor], schedule: bytes) -> None:
    """Each byte is a turn: who (its low half) and what goes wrong (its high half). After the last, turns go round without faults."""
    for actor in actors:
        actor.start()
    turns = iter(schedule)
    round_robin = 0
    while alive := [actor for actor in actors if not actor.dead]:
        byte = next(turns, None)
        round_robin += 1
        if byte is None:
            alive[round_robin % len(alive)].turn("")
        else:
            alive[(byte & 15) % len(alive)].turn(FAULTS.get(byte >> 4, ""))
    for actor in actors:
        if actor.failure is not None:
            raise actor.failure
