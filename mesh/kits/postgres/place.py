"""How far a kit has come, in one file: the batch under way before it is sent, then only its place.

A slot's confirmed position says less: it knows whole transactions, and a server that crashes forgets what came after its last
checkpoint. So changes up to the place are skipped when they come again, and the batch under way is sent again as it was, under
its key, which the tap counts once.
"""

import contextlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mesh.kits.bookmark import save, saved
from mesh.kits.delivery import KitFailed

Point = tuple[int, int]
"""A change's place in the stream: its transaction's LSN, and its number in it."""
START: Point = (0, 0)
_AGAIN = "--anew begins again with the tables as they are now"


class Source(msgspec.Struct, frozen=True):
    """What a place is good for: LSNs mean nothing on another server or timeline, numbers nothing for other tables."""

    system: str
    timeline: int
    database: str
    tables: tuple[str, ...]

    def __str__(self) -> str:
        return f"the database {self.database} of the server {self.system}, timeline {self.timeline}"


class _Saved(msgspec.Struct, frozen=True):
    source: Source
    point: Point
    snapshot_under_way: bool


@dataclass
class Place:
    """The place of one slot."""

    file: Path
    source: Source
    point: Point = START
    snapshot_under_way: bool = False
    known: bool = False
    batch: bytes = b""

    def read(self) -> None:
        """What the file says; nothing where it is of other tables, but the batch under way is sent all the same.

        Raises KitFailed where it is no place, or another database's."""
        if (found := saved(self.file, _Saved, _AGAIN)) is None:
            return
        head, self.batch = found
        was, now = head.source, self.source
        if (was.system, was.timeline, was.database) != (now.system, now.timeline, now.database):
            raise KitFailed(f"{self.file} is the place of {was}, this is {now}", f"--slot names another slot and place; {_AGAIN}")
        if was == now:
            self.known, self.point, self.snapshot_under_way = True, head.point, head.snapshot_under_way

    def save(self, point: Point, batch: bytes = b"") -> None:
        """Puts it into the file, at once and whole."""
        save(self.file, _Saved(self.source, point, self.snapshot_under_way), batch)
        self.point, self.batch, self.known = point, batch, True

    def forget(self) -> None:
        """Nothing was sent yet."""
        with contextlib.suppress(FileNotFoundError):
            self.file.unlink()
        self.point, self.batch, self.known, self.snapshot_under_way = START, b"", False, False
