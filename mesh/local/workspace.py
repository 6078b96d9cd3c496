"""The `.mesh` folder beside `taps.yaml`: lake, spool, scratch, keys, and the locks that keep two meshes from sharing it."""

import errno
import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

STACK = "laptop"
LEFT = 3  # what the lander ends with where it was asked to end and could not land all there was


class Busy(Exception):
    """Another process holds the lock."""


@dataclass(frozen=True)
class Workspace:
    """Paths below one `.mesh` folder."""

    root: Path

    @property
    def lake(self) -> Path:
        """The lake."""
        return self.root / "lake"

    @property
    def spool(self) -> Path:
        """Batches of buffered taps until they land."""
        return self.root / "spool"

    @property
    def scratch(self) -> Path:
        """Where batches are rendered; emptied at every start."""
        return self.root / "scratch"

    @property
    def keys(self) -> Path:
        """The dev key."""
        return self.root / "keys"

    def make(self) -> None:
        """Makes its folders; raises OSError with the path of one that this user may not write."""
        for folder in (self.lake, self.spool, self.scratch):
            folder.mkdir(parents=True, exist_ok=True)
            if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))

    def lock(self, name: str, wait: bool = False) -> int:
        """Holds `<name>.lock` until this process ends; raises Busy when another does and `wait` is false."""
        self.root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.root / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(descriptor)
            raise Busy(f"another tapmesh runs on {self.root}") from None
        return descriptor


def beside(file: Path) -> Workspace:
    """The workspace of a `taps.yaml`."""
    return Workspace(file.resolve().parent / ".mesh")
