"""The changes as they come: gathered, delivered, and confirmed to PostgreSQL once they are stored, or when there is nothing to store."""

import select
import time
from typing import Any

from mesh.cli.stop import Stop
from mesh.kits.bookmark import key
from mesh.kits.delivery import Delivery
from mesh.kits.gathering import Gathering
from mesh.kits.postgres.changes import Begin, Commit, Message, Row, line
from mesh.kits.postgres.place import Place, Point
from mesh.kits.postgres.slot import Database, reader
from mesh.kits.postgres.tables import Table

_CONFIRM_S = 1.0


class Stream:
    """One connection's changes, from the slot's confirmed position on."""

    def __init__(self, database: Database, plugin: str, replication: Any, place: Place, delivery: Delivery, stop: Stop) -> None:
        self._connection, self._place, self._delivery, self._stop = replication, place, delivery, stop
        self._tables = set(database.tables)
        self._reader, options = reader(database, plugin)
        self._cursor = replication.cursor()
        self._cursor.start_replication(slot_name=database.slot, options=options)
        self._gathering = Gathering()
        self._begin: Begin | None = None
        self._point: Point = place.point
        self._number = self._ended = self._stored = 0
        self._delivering = False
        self._confirmed_at_s = 0.0

    def run(self) -> None:
        """Follows until the end is asked for; what was gathered and not sent then comes again at the next start."""
        if self._place.batch:
            self._deliver(self._place.batch)
        while not self._stop.within(0):
            message = self._cursor.read_message()
            if message is not None:
                for each in self._reader.read(message.payload):
                    self._take(each)
            if self._gathering.left_s() == 0:
                batch = self._gathering.take()
                self._place.save(self._point, batch)
                self._deliver(batch)
                self._stored = self._ended
            self.confirm()
            if message is None:
                select.select([self._connection, self._stop.descriptor], [], [], min(_CONFIRM_S, self._gathering.left_s()))
        self.confirm(now=True)

    def confirm(self, now: bool = False) -> None:
        """Tells PostgreSQL, at most once a second, what it need not keep: all it has sent, when nothing of that waits here."""
        if not now and time.monotonic() - self._confirmed_at_s < _CONFIRM_S:
            return
        if self._begin is None and self._gathering.empty and not self._delivering:
            self._stored = max(self._stored, self._cursor.wal_end)
        self._cursor.send_feedback(write_lsn=self._stored, flush_lsn=self._stored, apply_lsn=self._stored, force=True)
        self._confirmed_at_s = time.monotonic()

    def _take(self, message: Message) -> None:
        match message:
            case Begin():
                self._begin, self._number = message, 0
            case Commit(end):
                self._begin, self._ended = None, end
            case Row() if Table(message.schema, message.table) in self._tables:
                assert self._begin is not None
                self._number += 1
                point = (self._begin.lsn, self._number)
                if point > self._place.point:  # else it was delivered before
                    self._gathering.add(line(self._begin, self._number, message))
                    self._point = point

    def _deliver(self, batch: bytes) -> None:
        self._delivering = True
        self._delivery.send(batch, key(batch))
        self._delivering = False
        self._place.save(self._place.point)
