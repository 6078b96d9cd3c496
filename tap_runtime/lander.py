"""Lambda's entry of the extension: lands what the handler says is due, once its sender has the answer; saves what is open at SHUTDOWN.

A process of its own because at shutdown a runtime gets 300 ms and an extension the rest of 2,000.
"""

import datetime as dt
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tap_runtime import lake, report, spool
from tap_runtime.attempts import LATER, Attempts
from tap_runtime.collect import lands_anywhere
from tap_runtime.errors import LakeDown
from tap_runtime.extension import Event, Extension
from tap_runtime.hear import LinkServer
from tap_runtime.land import Lander
from tap_runtime.link import Done
from tap_runtime.manifest import Manifest
from tap_runtime.marker import read_marker
from tap_runtime.room import Room
from tap_runtime.save import is_saved, save
from tap_runtime.settings import BOILINGDATA_SECRET, ROOM, SOCKET, SPOOL, environment, forget
from tap_runtime.store import bucket_store

_ANSWER_S = 0.01  # what the runtime needs to send the answer that the handler just gave
_LANDING_S = 12.0  # no landing begins later before the request's time is up
_START_S = 4.0  # of the ten that Lambda gives an environment to start
_JOIN_S = 2.0  # what a handler that is not there may take to start, before the lander goes on without it
Say = Callable[[str], None]


class Events(Protocol):
    """Lambda's events, one after the other, as `Extension` gets them."""

    def ask(self) -> int: ...
    def event(self) -> Event: ...


@dataclass(frozen=True)
class Where:
    """The tap an environment is of, its mesh in this stack (`acme-dev`), and the function's memory."""

    tap: str
    mesh: str
    memory_mb: int


class TapLander:
    """One environment's lander: the batches it holds on disk, and those with segments that it is asked to land."""

    def __init__(self, where: Where, lander: Lander, say: Say) -> None:
        self._where, self._lander, self._say = where, lander, say
        self._attempts = Attempts(lander.clock)
        self._spooled: set[tuple[str, str]] = set()
        self._stored: set[str] = set()
        self._lake_is_down = False

    def seal_all(self) -> None:
        """Everything on this disk, as at the start, where what is open has lost its writer, and at the end."""
        for tap, batch in list(spool.batches(self._lander.spool, "open")):
            spool.seal(self._lander.spool, tap, batch)
        self._spooled.update(spool.batches(self._lander.spool, "sealed"))

    def take(self, done: Done) -> None:
        """Seals what the handler left, and remembers the batches with segments."""
        for batch in done.spooled:
            spool.seal(self._lander.spool, self._where.tap, batch)
            self._spooled.add((self._where.tap, batch))
        self._stored.update(done.stored)

    def has_work(self) -> bool:
        """Whether anything waits to be landed."""
        return bool(self._spooled or self._stored)

    def land(self, until: float) -> None:
        """Everything that is sealed here or was asked for and is due; what would begin after `until` (Unix seconds) is kept."""
        self._lake_is_down = False
        for tap, batch in sorted(self._spooled, key=lambda pair: pair[1]):
            if self._try(tap, batch, self._land_spooled, until):
                self._spooled.discard((tap, batch))
        for batch in sorted(self._stored):
            if self._try(self._where.tap, batch, self._land_stored, until):
                self._stored.discard(batch)

    def save(self) -> None:
        """SHUTDOWN: everything on disk goes to the lake, until this process is killed. What cannot, the steward reports."""
        self.seal_all()
        largest = self._where.memory_mb * 1_000_000 // 4
        for tap, batch in sorted(self._spooled, key=lambda pair: pair[1]):
            try:
                self._say(report.plain(self._saved(tap, batch, largest), tap=tap, batch=batch))
            except LATER as error:
                self._say(report.plain("not_saved", tap=tap, batch=batch, code=type(error).__name__))

    def _saved(self, tap: str, batch: str, largest: int) -> str:
        """What is committed is published; anything else goes to the lake as it is."""
        how = "published"
        if self._lander.has_landed(tap, batch):
            self._lander.land_spooled(tap, batch)
        elif save(self._lander.store, self._lander.spool, tap, batch, largest, self._lander.random):
            how = "saved"
        else:
            return "too_large_to_save"
        self._spooled.discard((tap, batch))
        return how

    def _land_spooled(self, tap: str, batch: str) -> Manifest | None:
        if not is_saved(self._lander.spool, tap, batch) or self._lander.has_landed(tap, batch):
            return self._lander.land_spooled(tap, batch)
        save(self._lander.store, self._lander.spool, tap, batch, sys.maxsize, self._lander.random)
        return self._lander.land_stored(tap, batch)

    def _land_stored(self, tap: str, batch: str) -> Manifest | None:
        """Of a buffered batch only what was saved: to anybody but its own environment one without segments looks empty."""
        store = self._lander.store
        body = store.get(lake.marker_key(tap, batch))
        if body is None:
            return None
        if not lands_anywhere(store, tap, batch, read_marker(body).ack):
            return None
        return self._lander.land_stored(tap, batch)

    def _try(self, tap: str, batch: str, land: Callable[[str, str], Manifest | None], until: float) -> bool:
        if self._lake_is_down or time.time() >= until or not self._attempts.is_due((tap, batch)):
            return False
        started = time.monotonic()
        try:
            manifest = land(tap, batch)
        except LATER as error:
            self._lake_is_down = isinstance(error, LakeDown)
            retry_s = self._attempts.failed((tap, batch))
            self._say(report.failing(self._where.mesh, tap, batch, self._lander.clock(), type(error).__name__, retry_s))
            return False
        self._attempts.landed((tap, batch))
        if manifest is not None:
            took_ms = 1000 * (time.monotonic() - started)
            freshness_s = self._freshness_s(tap, manifest.settings)
            self._say(report.landed(self._where.mesh, tap, manifest, freshness_s, self._lander.clock(), took_ms))
        return True

    def _freshness_s(self, tap: str, settings_sha256: str) -> float:
        """Without end where the settings cannot be read now, of a batch that was committed before: it is not called late then."""
        try:
            return self._lander.settings(tap, settings_sha256).freshness_s
        except LATER:
            return float("inf")


def invocation(extension: Events, link: LinkServer, take: Callable[[Done], None]) -> Event:
    """The next event, and of a request all that the handler says until it has answered, went away, or its time is up.

    The handler may have answered before this process gets to know of the request; before the first it asks for its settings.
    """
    answered = ""
    descriptor = extension.ask()
    while (heard := link.hear(descriptor, None)) != "other":
        if isinstance(heard, Done):
            take(heard)
            answered = heard.request
    event = extension.event()
    while event.event_type == "INVOKE" and event.request_id != answered:
        heard = link.hear(None, event.deadline_ms / 1000 if link.has_handler() else time.time() + _JOIN_S)
        if not isinstance(heard, Done):
            break
        take(heard)
        answered = heard.request
    return event


def run(extension: Events, link: LinkServer, lander: TapLander) -> None:
    """Until SHUTDOWN."""
    lander.land(time.time() + _START_S)
    while (event := invocation(extension, link, lander.take)).event_type == "INVOKE":
        if lander.has_work():
            time.sleep(_ANSWER_S)
            lander.land(event.deadline_ms / 1000 - _LANDING_S)
    lander.save()


def main(name: str) -> None:
    """The extension's process; `name` is the file Lambda started it by. It runs teams' SQL, so it has no secret."""
    forget(BOILINGDATA_SECRET)
    api, url, key = environment("AWS_LAMBDA_RUNTIME_API"), environment("TAPMESH_LAKE"), environment("TAPMESH_SETTINGS")
    if api is None or url is None or key is None:
        raise SystemExit("this is a Lambda extension: it needs AWS_LAMBDA_RUNTIME_API, TAPMESH_LAKE and TAPMESH_SETTINGS")
    tap = key.split("/")[2]
    mesh = (environment("AWS_LAMBDA_FUNCTION_NAME") or tap).removesuffix(f"-{tap}")
    where = Where(tap, mesh, int(environment("AWS_LAMBDA_FUNCTION_MEMORY_SIZE") or 128))
    store = bucket_store(url)
    runs = Lander(store, SPOOL, Room(ROOM / "room"), lambda: dt.datetime.now(dt.UTC), os.urandom)
    lander = TapLander(where, runs, lambda line: print(line, flush=True))
    lander.seal_all()
    link = LinkServer(SOCKET, store)
    runs.room.connection(tap, where.memory_mb)  # while Lambda gives a whole core: on a tap's share of one it takes a third of a second
    run(Extension(api, name), link, lander)


if __name__ == "__main__":
    main(sys.argv[1])
