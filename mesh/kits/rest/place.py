"""How far the kit has come, in one SQLite file: the bookmark, the batch under way, and which records may come again and were sent.

A record is known by the digest of its content, so that a version of it is sent once however often it is read. All that a batch
brings is written in one transaction before it is sent; after a crash it goes out as it was, under its key, which the tap counts once.
"""

import hashlib
import sqlite3
from pathlib import Path
from typing import Any

from mesh.kits.delivery import KitFailed

_TABLES = """
create table if not exists place (id integer primary key check (id = 0), source text, point text, round integer, batch blob);
create table if not exists sent (digest blob primary key, mark real) without rowid;
"""


class Place:
    """One source's place. `mark`: what tells when a record need not be remembered any more, see `forget_below`."""

    def __init__(self, file: Path, source: str, anew: bool) -> None:
        """Raises KitFailed where the file is another source's, or in use."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(file, timeout=0)
        try:
            self._begin(file, source, anew)
        except sqlite3.OperationalError:
            raise KitFailed(f"{file} is in use", "another kit reads the same source; --state names another folder") from None
        except sqlite3.DatabaseError as error:
            raise KitFailed(f"{file} is no place of a kit: {error}", "move it away, or let --state name another folder") from None

    def _begin(self, file: Path, source: str, anew: bool) -> None:
        self._db.execute("pragma locking_mode = exclusive")
        self._db.executescript(_TABLES)
        for table in ("place", "sent") if anew else ():
            self._db.execute(f"delete from {table}")
        self._db.execute("insert or ignore into place values (0, ?, null, 0, null)", (source,))
        self._db.commit()
        if (of := self._one("source")) != source:
            raise KitFailed(f"{file} is the place of another source, {of}", "--anew begins again, --state names another folder")

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
        digest = hashlib.blake2b(record, digest_size=16).digest()
        if self._db.execute("insert or ignore into sent values (?, ?)", (digest, mark)).rowcount:
            return True
        self._db.execute("update sent set mark = ? where digest = ? and mark < ?", (mark, digest, mark))
        return False

    def note(self, batch: bytes) -> None:
        """A batch that is about to be sent."""
        self._db.execute("update place set batch = ?", (batch,))
        self._db.commit()

    def stored(self) -> None:
        """That batch is in the lake."""
        self._db.execute("update place set batch = null")
        self._db.commit()

    def move(self, point: str | None) -> None:
        """The bookmark."""
        self._db.execute("update place set point = ?", (point,))
        self._db.commit()

    def forget_below(self, mark: float) -> None:
        """The records that cannot come again."""
        self._db.execute("delete from sent where mark < ?", (mark,))
        self._db.commit()

    def _one(self, column: str) -> Any:
        return self._db.execute(f"select {column} from place").fetchone()[0]
