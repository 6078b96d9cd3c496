"""How far a slice has come, in a file of its own: the batch under way before it is sent, then only its place.

The batch is kept as it is, because what is read again after a crash may have changed meanwhile, and the tap counts a batch
once that comes again under its key, which is its content's digest.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mesh.cli.say import note
from mesh.kits.bookmark import save, saved
from mesh.kits.delivery import KitFailed
from mesh.kits.opensearch.index import Index
from mesh.kits.opensearch.pages import START, Slice

_AGAIN = "--anew exports again from the start, and what landed before may be there twice"


class _Saved(msgspec.Struct, frozen=True):
    cluster: str
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
        """What the file says; False where there is none, or it is of an earlier index of that name.

        Raises KitFailed where it is no place, or another cluster's."""
        if (found := saved(self.file, _Saved, _AGAIN)) is None:
            return False
        (head, batch), index = found, self.slice.index
        if head.uuid != index.uuid:
            if head.cluster != index.cluster:
                hint = f"--state names another folder for {index.cluster}; {_AGAIN}"
                raise KitFailed(f"{self.file} is the place of {head.cluster}{index.path}", hint)
            return False
        self.after, self.documents, self.finished = head.after, head.documents, head.finished
        self.batch, self.batch_to = batch, head.batch_to
        return True

    @property
    def begun(self) -> bool:
        """Whether anything was sent, or there was nothing to send."""
        return bool(self.documents or self.batch or self.finished)

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
        index = self.slice.index
        save(self.file, _Saved(index.cluster, index.uuid, self.after, self.documents, self.finished, self.batch_to), self.batch)


def places(folder: Path, index: Index, slices: int, anew: bool) -> list[Place]:
    """Those of an index: as an earlier run has left them, else new ones, at least so many and as many for each shard.

    Raises KitFailed where one of an earlier run is missing, or is no place."""
    known = sorted(file for file in folder.glob("*") if re.fullmatch(r"\d+-of-\d+", file.name))
    if known and not anew:
        of = int(known[0].name.rpartition("-")[2])
        found = [Place(folder / f"{number}-of-{of}", Slice(index, number, of)) for number in range(of)]
        read = [place.read() for place in found]
        if all(read):
            return found
        if any(place.begun for place in found):
            raise KitFailed(f"{found[read.index(False)].file} is missing, or of an earlier index than those beside it", _AGAIN)
        if not read[0] and found[0].file.exists():
            note(f"{index.name} was made anew: exporting it from its start")
    for file in known:
        file.unlink()
    of = index.shards * -(-slices // index.shards)
    made = [Place(folder / f"{number}-of-{of}", Slice(index, number, of)) for number in range(of)]
    for place in made:
        place.begin(b"", START)
    return made
