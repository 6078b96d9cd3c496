"""What was taken and not delivered yet: files of lines in one folder, in the order they came."""

import os
import threading
import time
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

from mesh.batches import BATCH_BYTES
from mesh.kits.files import PART, put

_WHOLE, _GROWING = ".ndjson", ".part"


class Kept:
    """The folder. A file's name is the Idempotency-Key it is delivered under, so a restart doubles nothing.

    Of lines that were appended by an earlier process the whole ones are kept; of a body that it did not come to answer, nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._growing: FileIO | None = None
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        for part in folder.glob(f"*{PART}"):
            part.unlink()
        for part in folder.glob(f"*{_GROWING}"):
            os.truncate(part, part.read_bytes().rfind(b"\n") + 1)
            part.rename(part.with_suffix(_WHOLE))

    def take(self, lines: bytes) -> None:
        """On disk once this returns, power loss included; raises OSError, and then keeps nothing of them."""
        put(self._new(_WHOLE), lines)

    def append(self, line: bytes) -> None:
        """With the kernel once this returns, which a kill does not take away; raises OSError, and then keeps nothing of it."""
        with self._lock:
            if self._growing is None:
                self._growing = FileIO(self._new(_GROWING), "w")
            before = self._growing.tell()
            try:
                _write(self._growing, line)
            except OSError:
                self._growing.truncate(before)
                self._growing.seek(before)
                raise
            if self._growing.tell() >= BATCH_BYTES:
                self._finish()

    def __iter__(self) -> Iterator[Path]:
        """Whole files, the oldest first; lines that were appended so far are in one."""
        with self._lock:
            self._finish()
        yield from sorted(self.folder.glob(f"*{_WHOLE}"))

    def _new(self, suffix: str) -> Path:
        return self.folder / f"{time.time_ns():020}-{os.urandom(4).hex()}{suffix}"

    def _finish(self) -> None:
        if self._growing is not None:
            self._growing.close()
            part = Path(os.fsdecode(self._growing.name))
            part.rename(part.with_suffix(_WHOLE))
            self._growing = None


def _write(file: FileIO, line: bytes) -> None:
    """All of it: a disk that becomes full takes a part of it first."""
    left = memoryview(line)
    while left:
        left = left[file.write(left) :]
