"""An export's progress, for people: documents, MB/s, time left."""

import threading
import time
from types import TracebackType

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from mesh.cli.say import err, note

_COLUMNS = (
    TextColumn("exporting"),
    BarColumn(),
    TextColumn("{task.completed:,} of {task.total:,} documents"),
    TextColumn("{task.fields[speed]}"),
    TimeRemainingColumn(),
)


class Bar:
    """On a terminal while it goes on, and one line at its end. Threads share it."""

    def __init__(self, delivered: int, total: int) -> None:
        self._progress = Progress(*_COLUMNS, console=err, disable=not err.is_terminal)
        self._task = self._progress.add_task("", completed=delivered, total=max(delivered, total), speed="")
        self._documents = self._bytes = 0
        self._lock, self._started_s = threading.Lock(), time.monotonic()

    def add(self, documents: int, sent_bytes: int) -> None:
        """So many more are stored."""
        with self._lock:
            self._documents += documents
            self._bytes += sent_bytes
            self._progress.update(self._task, advance=documents, speed=self._speed())

    def _speed(self) -> str:
        return f"{self._bytes / 1e6 / max(0.001, time.monotonic() - self._started_s):.1f} MB/s"

    def __enter__(self) -> "Bar":
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._progress.stop()
        elapsed_s = time.monotonic() - self._started_s
        note(f"{self._documents:,} documents, {self._bytes / 1e6:,.1f} MB in {elapsed_s:,.1f} s ({self._speed()})")
