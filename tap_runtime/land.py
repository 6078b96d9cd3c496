"""A sealed batch -> Parquet, quarantine and one manifest: steps 4 to 8 of the protocol, and P.

Anyone may land a batch with segments, any number at once: attempts keep their files apart and the manifest's creation picks one.
"""

import contextlib
import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from tap_runtime import lake
from tap_runtime.collect import collect, seal_stored
from tap_runtime.errors import Broken, SettingsGone
from tap_runtime.lake import Store
from tap_runtime.manifest import Manifest, read_manifest
from tap_runtime.recover import recover
from tap_runtime.render import DiskTrouble, Rendered, TryAgain, Work, poison, render
from tap_runtime.room import Room
from tap_runtime.settings import TapSettings, read_settings
from tap_runtime.spool import DATA, REFUSED, TRIES, sealed_folder
from tap_runtime.stage import stage
from tap_runtime.tries import LocalTries, StoredTries, Tries

MAX_TRIES = 3


@dataclass(frozen=True)
class Lander:
    """Lands batches. `step` hears the name of every protocol step once it is done; `render` runs the team's statement."""

    store: Store
    spool: Path
    room: Room
    clock: Callable[[], dt.datetime]
    random: Callable[[int], bytes]
    render: Callable[[Work, Room], Rendered] = render
    step: Callable[[str], None] = lambda name: None
    known: dict[tuple[str, str], TapSettings] = field(default_factory=dict)

    def land_spooled(self, tap: str, batch: str) -> Manifest | None:
        """Lands a sealed local spool; None: it held nothing acknowledged, or is gone. Raises what is in `attempts.LATER`."""
        folder = sealed_folder(self.spool, tap, batch)
        manifest = self._landed(tap, batch)
        if manifest is None and not folder.exists():
            return None  # its marker is then all that is known of the batch
        if manifest is None and (sealed := recover(folder)) is not None:
            sha256 = sealed.header.settings
            work = Work(tap, batch, self.settings(tap, sha256), sha256, folder / DATA, folder / REFUSED, sealed.tallies)
            with self._cleared():
                manifest = self._commit(work, LocalTries(folder / TRIES))
        self._finish(tap, batch, manifest, folder)
        return manifest

    def land_stored(self, tap: str, batch: str) -> Manifest | None:
        """Seals and lands a batch with segments, or none; None: it held nothing acknowledged. Raises as `land_spooled`."""
        manifest = self._landed(tap, batch)
        if manifest is None:
            seal_stored(self.store, tap, batch, self.random)
            self.step("sealed")
            manifest = self._land_segments(tap, batch)
        self._finish(tap, batch, manifest, None)
        return manifest

    def _land_segments(self, tap: str, batch: str) -> Manifest | None:
        with self._cleared() as room:
            collected = collect(self.store, tap, batch, room.folder)
            if collected is None:
                return self._landed_since(tap, batch)
            if not collected.segments:
                return None
            settings = self.settings(tap, collected.settings)
            files = (room.folder / DATA, room.folder / REFUSED)
            work = Work(tap, batch, settings, collected.settings, *files, collected.tallies, collected.duplicates, collected.segments)
            return self._commit(work, StoredTries(self.store, tap, batch, self.clock, self.random))

    def _landed_since(self, tap: str, batch: str) -> Manifest:
        manifest = self._landed(tap, batch)
        if manifest is None:
            where = lake.stored_prefix(tap, batch)
            raise Broken(f"of the segments under {where} some are missing; put them back, the batch waits for them")
        return manifest

    def has_landed(self, tap: str, batch: str) -> bool:
        """Whether the batch has its manifest; raises LakeDown."""
        return self._landed(tap, batch) is not None

    def _landed(self, tap: str, batch: str) -> Manifest | None:
        body = self.store.get(lake.manifest_key(tap, batch))
        return None if body is None else read_manifest(body)

    def settings(self, tap: str, sha256: str) -> TapSettings:
        """The settings a batch was accepted under; kept, since they never change. Raises SettingsGone, LakeDown, NewerFormat or Broken."""
        if (tap, sha256) not in self.known:
            self.known[tap, sha256] = self._read_settings(tap, sha256)
        return self.known[tap, sha256]

    def _read_settings(self, tap: str, sha256: str) -> TapSettings:
        body = self.store.get(lake.settings_key(tap, sha256))
        if body is None:
            raise SettingsGone(f"settings {sha256[:12]} of {tap} are not in the lake; put them back, the batch waits for them")
        return read_settings(body)

    @contextlib.contextmanager
    def _cleared(self) -> Iterator[Room]:
        """The room for one batch; what it leaves behind is no use to the next. Trouble with its disk is DiskTrouble."""
        try:
            self.room.clear()
            yield self.room
            self.room.clear()
        except OSError as error:
            raise DiskTrouble(error.strerror or "") from error

    def _commit(self, work: Work, tries: Tries) -> Manifest:
        """RENDER, STAGE, COMMIT: the winner's manifest, ours or another's."""
        rendered = self._render(work, tries)
        self.step("rendered")
        mine = stage(self.store, work, rendered, self.clock, self.random)
        self.step("staged")
        other = lake.create(self.store, lake.manifest_key(work.tap, work.batch), msgspec.json.encode(mine), work.settings.keep_days)
        self.step("committed")
        if other is None:
            return mine
        self.store.delete([file.staged for file in mine.files])
        return read_manifest(other)

    def _render(self, work: Work, tries: Tries) -> Rendered:
        if tries.failed() >= MAX_TRIES:
            why = f"{MAX_TRIES} tries ran out of memory or time, or were killed"
            return poison(work, self.room, f"{why}; give the tap more than memory: {work.settings.memory_mb}MB, or its SQL less to do")
        tries.begin()
        try:
            rendered = self.render(work, self.room)
        except TryAgain:
            tries.fail()
            raise
        except DiskTrouble:
            tries.forget()
            raise
        tries.forget()
        return rendered

    def _finish(self, tap: str, batch: str, manifest: Manifest | None, folder: Path | None) -> None:
        """PUBLISH and CLEAN, from the manifest alone; the open marker last of all."""
        for file in manifest.files if manifest is not None else ():
            self.store.copy(file.staged, file.key)
        self.step("published")
        leftover = [entry.key for entry in self.store.list(lake.staged_prefix(tap, batch))]
        if manifest is not None and (manifest.segments is not None or folder is None):
            seal = None if manifest.segments is None else lake.segment_key(tap, batch, manifest.segments)
            leftover += [entry.key for entry in self.store.list(lake.stored_prefix(tap, batch)) if entry.key != seal]
        if leftover:
            self.store.delete(leftover)
        self.step("swept")
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        self.step("unspooled")
        self.store.delete([lake.marker_key(tap, batch)])
        self.step("cleaned")
