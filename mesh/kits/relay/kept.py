"""What was taken and not delivered yet: files of lines in one folder, in the order they came."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_WHOLE, _PART = ".ndjson", ".part"


class Kept:
    """The folder. A file's name is the Idempotency-Key it is delivered under, so a restart doubles nothing.

    What an earlier process was still writing is kept up to its last whole line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._growing: BinaryIO | None = None
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        for part in folder.glob(f"*{_PART}"):
            content = part.read_bytes()
            os.truncate(part, content.rfind(b"\n") + 1)
            part.rename(part.with_suffix(_WHOLE))

    def take(self, lines: bytes) -> None:
        """On disk once this returns, power loss included; raises OSError."""
        with self._new() as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
        _finish(file)

    def append(self, line: bytes) -> None:
        """With the kernel once this returns, which a kill does not take away; raises OSError."""
        with self._lock:
            if self._growing is None:
                self._growing = self._new()
            self._growing.write(line)
            self._growing.flush()

    def __iter__(self) -> Iterator[Path]:
        """Whole files, the oldest first; lines that were appended so far are in one."""
        with self._lock:
            if self._growing is not None:
                self._growing.close()
                _finish(self._growing)
                self._growing = None
        yield from sorted(self.folder.glob(f"*{_WHOLE}"))

    def _new(self) -> BinaryIO:
        return (self.folder / f"{time.time_ns():020}-{os.urandom(4).hex()}{_PART}").open("wb")


def _finish(file: BinaryIO) -> None:
    part = Path(file.name)
    part.rename(part.with_suffix(_WHOLE))
