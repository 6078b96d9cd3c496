"""The lander child of the laptop mesh: seals batches that are due, lands sealed ones, tells the server what became of them.

It ends when its standard input does, that is when the server closes it or dies, after landing what is there; its exit code is then 0, or
LEFT where some of it could not land.
"""

import contextlib
import datetime as dt
import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from mesh.local.workspace import LEFT, Workspace
from tap_runtime import lake, spool
from tap_runtime.attempts import LATER, Attempts, Batch
from tap_runtime.buffered import REUSE
from tap_runtime.decide import LandNow, OpenBatch, decide
from tap_runtime.disk import is_full
from tap_runtime.errors import Broken, DiskFull, LakeDown, NewerFormat, SettingsGone
from tap_runtime.lake import Store
from tap_runtime.land import Lander
from tap_runtime.manifest import Manifest
from tap_runtime.marker import Marker, read_marker
from tap_runtime.render import DiskTrouble, TryAgain
from tap_runtime.room import Room
from tap_runtime.settings import BOILINGDATA_SECRET, forget
from tap_runtime.steward import Lost
from tap_runtime.store import folder_store

_POLL_S = 0.25
_LAST_CALL_S = 11.0
_UPLOAD_S = 60.0  # longer than any object takes to be written
_LONGEST = dt.timedelta(seconds=5)  # a folder costs nothing to try, and somebody waits for the row
_WHY = {LakeDown: "the lake cannot be written", DiskTrouble: "the disk cannot be written", TryAgain: "it ran out of memory or time"}
_TOLD = (DiskFull, SettingsGone, Broken, NewerFormat)  # each says itself what is wrong and where
OVERDUE_S = 60.0  # DuckDB can hang beyond its own limits and any interrupt; the try was counted, and the server starts another lander


class Loop:
    """Looks at spool and markers every quarter of a second."""

    def __init__(self, workspace: Workspace, lander: Lander, tell: Callable[[dict[str, object]], None], overdue_s: float) -> None:
        self._spool, self._lander, self._tell, self._overdue_s = workspace.spool, lander, tell, overdue_s
        self._markers: dict[Batch, Marker] = {}
        self._attempts = Attempts(lander.clock, _LONGEST)
        self._lake_is_down = False

    def round(self, everything: bool) -> bool:
        """Seals what is due (`everything`: all there is) and lands what is sealed; whether nothing is left."""
        for tap, batch in list(spool.batches(self._spool, "open")):
            if everything or (not self._lake_is_down and self._is_due_spool(tap, batch)):
                spool.seal(self._spool, tap, batch)
        left = False
        for tap, batch in list(spool.batches(self._spool, "sealed")):
            left |= not self._land(tap, batch, self._lander.land_spooled, everything)
        for (tap, batch), marker in self._open_markers():
            if marker.ack == "buffered" and not spool.is_here(self._spool, tap, batch):
                with contextlib.suppress(*LATER):
                    self._close(tap, batch)
            if marker.ack == "stored" and (everything or self._is_due_stored(tap, batch, marker)):
                left |= not self._land(tap, batch, self._lander.land_stored, everything)
        return not left

    def _close(self, tap: str, batch: str) -> None:
        """A marker whose spool is gone: landed, and rewritten by its owner since; or the spool has vanished, which is reported."""
        store = self._lander.store
        if self._lander.has_landed(tap, batch):
            self._lander.land_spooled(tap, batch)
        elif (body := store.get(lake.marker_key(tap, batch))) is not None:
            marker = read_marker(body)  # as it is now: its bound grows
            report = Lost(tap=tap, batch=batch, reported_at=self._lander.clock(), at_most=marker.at_most)
            store.put(lake.lost_key(tap, batch), msgspec.json.encode(report))
            self._tell({"event": "lost", "tap": tap, "batch": batch, "at_most": msgspec.to_builtins(marker.at_most)})
            store.delete([lake.marker_key(tap, batch)])

    def _open_markers(self) -> Iterator[tuple[Batch, Marker]]:
        try:
            found = set(lake.open_batches(self._lander.store))
        except LakeDown:
            return
        self._markers = {batch: marker for batch, marker in self._markers.items() if batch in found}
        for batch in sorted(found):
            if batch not in self._markers and self._attempts.is_due(batch):
                self._read_marker(*batch)
            if batch in self._markers:
                yield batch, self._markers[batch]

    def _read_marker(self, tap: str, batch: str) -> None:
        try:
            body = self._lander.store.get(lake.marker_key(tap, batch))
            if body is not None:
                self._markers[tap, batch] = read_marker(body)
        except LATER as error:
            self._failed(tap, batch, error)

    def _is_due_spool(self, tap: str, batch: str) -> bool:
        folder = spool.open_folder(self._spool, tap, batch)
        empty_for = self._lander.clock() - lake.opened_at(batch)
        try:
            size = sum((folder / name).stat().st_size for name in (spool.DATA, spool.REFUSED))
            header = spool.read_header(folder)
        except (OSError, Broken):
            size = 0
        except NewerFormat:
            return True  # landing says so
        if not size:
            return empty_for > 2 * REUSE
        return self._is_due(OpenBatch(batch, size), tap, header.settings)

    def _is_due_stored(self, tap: str, batch: str, marker: Marker) -> bool:
        try:
            size = sum(entry.size for entry in self._lander.store.list(lake.stored_prefix(tap, batch)))
        except LakeDown:
            return False
        return self._is_due(OpenBatch(batch, size), tap, marker.settings)

    def _is_due(self, batch: OpenBatch, tap: str, sha256: str) -> bool:
        try:
            settings = self._lander.settings(tap, sha256)
        except (SettingsGone, Broken, NewerFormat):
            return True  # landing says so
        except LakeDown:
            return False
        return isinstance(decide(batch, settings, self._lander.clock()), LandNow)

    def _land(self, tap: str, batch: str, land: Callable[[str, str], Manifest | None], now: bool) -> bool:
        if not now and not self._attempts.is_due((tap, batch)):
            return False
        started = time.monotonic()
        overdue = threading.Timer(self._overdue_s, os._exit, args=(75,))
        overdue.daemon = True
        overdue.start()
        try:
            manifest = land(tap, batch)
        except LATER as error:
            self._lake_is_down = isinstance(error, LakeDown)
            self._failed(tap, batch, error)
            return False
        finally:
            overdue.cancel()
        self._lake_is_down = False
        self._attempts.landed((tap, batch))
        if manifest is not None:
            self._tell(_landed(manifest, time.monotonic() - started))
        return True

    def _failed(self, tap: str, batch: str, error: Exception) -> None:
        retry_s = self._attempts.failed((tap, batch))
        self._tell({"event": "failed", "tap": tap, "batch": batch, "why": self._why(error), "retry_s": retry_s})

    def _why(self, error: Exception) -> str:
        if is_full(error) and not isinstance(error, DiskFull):
            return f"the disk of {self._lander.room.folder} is full"
        return str(error) if isinstance(error, _TOLD) else _WHY.get(type(error), type(error).__name__)


def _landed(manifest: Manifest, took_s: float) -> dict[str, object]:
    written = sum(file.bytes for file in manifest.files if file.kind == "parquet")
    counts = msgspec.to_builtins(manifest.counts)
    return {"event": "landed", "tap": manifest.tap, "batch": manifest.batch, "bytes": written, "took_ms": round(took_s * 1000), **counts}


def sweep(workspace: Workspace, store: Store, before: float) -> None:
    """Removes what a kill left: scratch, staged files of batches without a marker, and the folder store's unfinished uploads (`name#1`).

    Of the uploads only those untouched since `before` (in seconds since 1970): the server accepts while a lander starts, and writes too."""
    shutil.rmtree(workspace.scratch, ignore_errors=True)
    for path in workspace.lake.rglob("*#*"):
        with contextlib.suppress(FileNotFoundError):  # finished meanwhile
            if path.name.rpartition("#")[2].isdigit() and path.stat().st_mtime < before:
                path.unlink()
    with contextlib.suppress(LakeDown):
        staged = [entry.key for entry in store.list(lake.STAGED)]
        marked = set(lake.open_batches(store))  # asked second: whoever staged something has its marker by now
        store.delete([key for key in staged if tuple(key.removeprefix(lake.STAGED).split("/")[:2]) not in marked])


def _tell(event: dict[str, object]) -> None:
    try:
        print(json.dumps(event), flush=True)
    except OSError:  # the server is gone; what is here still lands
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _wait_for_end(closing: threading.Event, ended: list[float]) -> None:
    sys.stdin.buffer.read()
    ended.append(time.time())
    closing.set()


def run(workspace: Workspace, overdue_s: float = OVERDUE_S) -> bool:
    """Lands until standard input ends, then everything that is left; whether that could be landed. A landing that takes longer than
    `overdue_s` ends the process."""
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)
    forget(BOILINGDATA_SECRET)
    workspace.lock("lander", wait=True)
    store = folder_store(workspace.lake)
    sweep(workspace, store, time.time() - _UPLOAD_S)
    lander = Lander(store, workspace.spool, Room(workspace.scratch), lambda: dt.datetime.now(dt.UTC), os.urandom)
    loop = Loop(workspace, lander, _tell, overdue_s)
    closing, ended = threading.Event(), list[float]()
    threading.Thread(target=_wait_for_end, args=(closing, ended), daemon=True).start()
    while not closing.wait(_POLL_S):
        loop.round(everything=False)
    until = time.monotonic() + _LAST_CALL_S
    while not (landed := loop.round(everything=True)) and time.monotonic() < until:
        time.sleep(_POLL_S)
    sweep(workspace, store, ended[0])
    return landed


if __name__ == "__main__":
    sys.exit(0 if run(Workspace(Path(sys.argv[1]))) else LEFT)
