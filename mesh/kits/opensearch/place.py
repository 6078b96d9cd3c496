"""How far a slice has come, in a file of its own: the batch under way before it is sent, then only its place.

The batch is kept as it is, because what is read again after a crash may have changed meanwhile, and the tap counts a batch
once that comes again under its key, which is its content's digest.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from mesh.kits.bookmark import write
from mesh.kits.opensearch.index import Index
from mesh.kits.opensearch.pages import START, Slice


class _Saved(msgspec.Struct, frozen=True):
    uuid: str
    after: int
    documents: int
    finished: bool
    batch_to: int


@dataclass
class Place:
    """The place of one slice. `documents`: how many were delivered; `batch` ends at `batch_to`."""

    file: Path
    slice: Slice
    after: int = START
    documents: int = 0
    finished: bool = False
    batch: bytes = b""
    batch_to: int = START

    def read(self) -> bool:
        """What the file says; False where there is none, or it is of an earlier index of that name."""
        try:
            head, _, batch = self.file.read_bytes().partition(b"\n")
        except FileNotFoundError:
            return False
        saved = msgspec.json.decode(head, type=_Saved)
        if saved.uuid != self.slice.index.uuid:
            return False
        self.after, self.documents, self.finished = saved.after, saved.documents, saved.finished
        self.batch, self.batch_to = batch, saved.batch_to
        return True

    def begin(self, batch: bytes, to: int) -> None:
        """Before a batch is sent: what it is, and the sequence number of its last document."""
        self.batch, self.batch_to = batch, to
        self._save()

    def passed(self) -> None:
        """The batch is stored."""
        self.documents += self.batch.count(b"\n")
        self.after, self.batch = self.batch_to, b""
        self._save()

    def finish(self) -> None:
        """There is nothing more in the slice."""
        self.finished = True
        self._save()

    def _save(self) -> None:
        saved = _Saved(self.slice.index.uuid, self.after, self.documents, self.finished, self.batch_to)
        write(self.file, msgspec.json.encode(saved) + b"\n" + self.batch)


def places(folder: Path, index: Index, slices: int, anew: bool) -> list[Place]:
    """Those of an index: as an earlier run has left them, else new ones, at least so many and as many for each shard."""
    known = sorted(folder.glob("*-of-*[0-9]"))
    if known and not anew:
        of = int(known[0].name.rpartition("-")[2])
        found = [Place(folder / f"{number}-of-{of}", Slice(index, number, of)) for number in range(of)]
        if all([place.read() for place in found]):
            return found
    for file in known:
        file.unlink()
    of = index.shards * -(-slices // index.shards)
    made = [Place(folder / f"{number}-of-{of}", Slice(index, number, of)) for number in range(of)]
    for place in made:
        place.begin(b"", START)
    return made
