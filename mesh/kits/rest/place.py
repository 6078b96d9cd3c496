"""How far the kit has come, in one SQLite database: the bookmark, the batch under way, and which records may come again and were sent.

A record is known by the digest of its content, so that a version of it is sent once however often it is read. All that a batch
brings is written in one transaction before it is sent; after a crash it goes out as it was, under its key, which the tap counts once.
"""

import hashlib
import sqlite3
from pathlib import Path
from typing import Any, Protocol

from mesh.kits.bookmark import no_place
from mesh.kits.delivery import KitFailed

_TABLES = (
    "create table place (id integer primary key check (id = 0), source text, point text, round integer, batch blob)",
    "create table sent (digest blob primary key, mark real) without rowid",
)
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_AGAIN = "delete it to begin again, which may send records twice"


class Keeper(Protocol):
    """Where a place is kept. As text it names that; `again` and `elsewhere` say how to begin again, and how to have another."""

    again: str
    elsewhere: str

    def open(self) -> tuple[sqlite3.Connection, bool]:
        """The place, and whether it was kept before: else it is empty."""

    def keep(self, place: sqlite3.Connection, point: str | None) -> None:
        """What was just committed is safe when this returns."""


class InFile:
    """A place in a file, which a commit makes safe."""

    again, elsewhere = "--anew begins again", "--state names another folder"

    def __init__(self, file: Path) -> None:
        self._file = file

    def __str__(self) -> str:
        return str(self._file)

    def open(self) -> tuple[sqlite3.Connection, bool]:
        """Its file, made where it is not there."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        known = self._file.exists()
        return sqlite3.connect(self._file, timeout=0), known

    def keep(self, place: sqlite3.Connection, point: str | None) -> None:
        """It is."""


class Place:
    """One source's place. `mark`: what tells when a record need not be remembered any more, see `forget_below`. SQLite has it as a float,
    which keeps the order."""

    def __init__(self, keeper: Keeper, source: str, anew: bool = False) -> None:
        """Raises KitFailed where the place is another source's, in use, or no place at all."""
        self._keeper = keeper
        try:
            self._db, known = keeper.open()
            self._begin(source, known, anew)
            of = self._one("source")
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", None) in _LOCKED:
                raise KitFailed(f"{keeper} is in use", f"another kit reads the same source; {keeper.elsewhere}") from None
            raise no_place(keeper, str(error), f"{_AGAIN}; {keeper.elsewhere}") from None
        if of != source:
            self.close()
            raise KitFailed(f"{keeper} is the place of another source, {of}", f"{keeper.again}, {keeper.elsewhere}")

    def _begin(self, source: str, known: bool, anew: bool) -> None:
        """Raises DatabaseError where the file is not as a kit leaves it; an empty one is not either."""
        self._db.execute("pragma locking_mode = exclusive")
        self._db.execute("begin immediate")
        for statement in () if known else _TABLES:
            self._db.execute(statement)
        if (found := self._db.execute("pragma quick_check(1)").fetchone()[0]) != "ok":
            raise sqlite3.DatabaseError(found)
        self._db.execute("select digest, mark from sent limit 1")
        for table in ("place", "sent") if anew else ():
            self._db.execute(f"delete from {table}")
        if anew or not known:
            self._db.execute("insert into place values (0, ?, null, 0, null)", (source,))
        if self._db.execute("select source, point, round, batch from place").fetchone() is None:
            raise sqlite3.DatabaseError("it says of no source")
        self._db.commit()

    def keep(self) -> None:
        """Makes safe what the place is now."""
        self._db.commit()
        self._keeper.keep(self._db, self.point)

    def close(self) -> None:
        """What was not sent since the last batch was never noted."""
        self._db.rollback()
        self._db.close()

    @property
    def point(self) -> str | None:
        """The bookmark, as the source writes it."""
        found: str | None = self._one("point")
        return found

    @property
    def batch(self) -> bytes | None:
        """What was sent, or about to be, when the kit last ended."""
        found: bytes | None = self._one("batch")
        return found

    def next_round(self) -> int:
        """The number of this reading of the source."""
        self._db.execute("update place set round = round + 1")
        return int(self._one("round"))

    def new(self, record: bytes, mark: float) -> bool:
        """Whether that record was never sent; from now on it was, if the batch it is in gets noted."""
        digest, mark = hashlib.blake2b(record, digest_size=16).digest(), float(mark)
        if self._db.execute("insert or ignore into sent values (?, ?)", (digest, mark)).rowcount:
            return True
        self._db.execute("update sent set mark = ? where digest = ? and mark < ?", (mark, digest, mark))
        return False

    def note(self, batch: bytes) -> None:
        """Keeps a batch that is about to be sent."""
        self._db.execute("update place set batch = ?", (batch,))
        self.keep()

    def stored(self) -> None:
        """That batch is in the lake."""
        self._db.execute("update place set batch = null")

    def move(self, point: str | None) -> None:
        """The bookmark."""
        self._db.execute("update place set point = ?", (point,))

    def forget_below(self, mark: float) -> None:
        """The records that cannot come again."""
        self._db.execute("delete from sent where mark < ?", (float(mark),))

    def _one(self, column: str) -> Any:
        return self._db.execute(f"select {column} from place").fetchone()[0]
