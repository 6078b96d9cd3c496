"""One run of the kit: begins where the last one ended, and comes back to a database that went away."""

import contextlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.errors import ObjectInUse

from mesh.cli.say import note
from mesh.cli.stop import Stop
from mesh.kits.delivery import Delivery, KitFailed
from mesh.kits.postgres.place import Place
from mesh.kits.postgres.slot import Database, drop, make, plugin_of, publish
from mesh.kits.postgres.snapshot import copy
from mesh.kits.postgres.stream import Stream
from mesh.kits.postgres.tables import check
from mesh.kits.postgres.words import in_words, lost_connection, starting

_LONGEST_WAIT_S = 20.0
_FEEDBACK_S = 5.0


class Follow:
    """Follows a database until the end is asked for."""

    def __init__(self, database: Database, plugin: str | None, file: Path, stop: Stop) -> None:
        self._database, self._plugin, self._file, self._stop = database, plugin, file, stop
        self._stream: Stream | None = None
        self._met = False

    def run(self, delivery: Delivery, snapshot: bool, anew: bool) -> None:
        """Raises KitFailed where PostgreSQL refuses, and SendFailed where the tap does. A server that was there once is waited for."""
        plugin, lost = None, 0
        while not self._stop.within(0):
            try:
                plugin = plugin or self._begin(delivery, snapshot, anew)
                if plugin is None:
                    note("stopped before the tables were through; the next start begins with them again")
                    return
                with self._replication() as replication:
                    place = self._place(replication)
                    place.read()
                    self._stream = Stream(self._database, plugin, replication, place, delivery, self._stop)
                    lost = 0
                    self._stream.run()
            except psycopg2.Error as error:
                if not (starting(error) or (self._met and lost_connection(error))):
                    raise in_words(error) from None
                lost += 1
                self._wait(error, lost)
            finally:
                self._stream = None

    def _wait(self, error: psycopg2.Error, lost: int) -> None:
        wait_s = random.uniform(0.5, 1) * min(_LONGEST_WAIT_S, 0.5 * 2 ** min(lost, 10))
        other = "; does another kit use it?" if isinstance(error, ObjectInUse) else ""
        note(f"{in_words(error)}{other}; trying again in {wait_s:.1f} s")
        self._stop.within(wait_s)

    def stopped(self, seconds: float) -> bool:
        """Waits for the tap; PostgreSQL hears meanwhile that the kit lives."""
        while seconds > 0:
            if self._stop.within(min(seconds, _FEEDBACK_S)):
                return True
            seconds -= _FEEDBACK_S
            if self._stream is not None:
                with contextlib.suppress(psycopg2.Error):  # the stream finds out by itself
                    self._stream.confirm()
        return False

    def _place(self, replication: Any) -> Place:
        return Place(self._file, self._database.source(replication))

    def _begin(self, delivery: Delivery, snapshot: bool, anew: bool) -> str | None:
        """The slot's plugin; None when the end was asked for before its snapshot was through."""
        with self._sql() as sql, self._replication() as replication:
            check(sql, self._database.tables)
            place = self._place(replication)
            if not anew:
                place.read()
            plugin = plugin_of(sql, self._database)
            if anew or place.snapshot_under_way:
                drop(sql, self._database)
                plugin = None
            elif plugin is None and place.known:
                hint = "--anew begins again with the tables as they are now"
                raise KitFailed(f"the slot {self._database.slot} is gone, and with it the changes since the last start", hint)
            if plugin is not None:
                if plugin == "pgoutput":
                    publish(sql, self._database)
                note(f"going on with the slot {self._database.slot} ({plugin})")
                return plugin
            return self._anew(sql, replication, place, delivery, snapshot)

    def _anew(self, sql: Any, replication: Any, place: Place, delivery: Delivery, snapshot: bool) -> str | None:
        place.forget()
        place.snapshot_under_way = snapshot
        if snapshot:
            place.save(place.point)  # before there is a slot, which alone would not say that its snapshot is to come
        made = make(sql, replication, self._database, self._plugin)
        if not snapshot:
            place.save(place.point)  # from now on a slot that is gone is missed
        note(f"made the slot {self._database.slot} ({made.plugin})")
        if snapshot and not copy(self._database, made, place, delivery, self._stop):
            return None
        return made.plugin

    @contextlib.contextmanager
    def _sql(self) -> Iterator[Any]:
        with contextlib.closing(self._database.sql()) as connection:
            yield connection.cursor()

    @contextlib.contextmanager
    def _replication(self) -> Iterator[Any]:
        with contextlib.closing(self._database.replication()) as connection:
            self._met = True
            yield connection
