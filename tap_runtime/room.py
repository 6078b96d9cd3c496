"""Where one lander process runs statements: a folder, and a locked DuckDB instance that reaches nothing else.

The instance is kept for some batches of one tap, since a new one takes 15 ms of CPU and landing 10 MB takes 70. It is given up with
any error, and never shared between taps: what a statement could leave behind, only one of the same team would find.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from tap_runtime import sandbox

_BATCHES = 8  # an instance grows within 56 MB: a process that lands 10 MB at a time peaks at 123 MB if it is kept for good, at 114 MB so


class Room:
    """One batch at a time. `folder` is this process's own, on the disk the spool is on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data.ndjson"
        self.out = folder / "out"
        self._connection: sandbox.Connection | None = None
        self._for = ("", 0)  # a tap and its memory
        self._sql: str | None = None
        self._batches = 0

    def clear(self) -> None:
        """Nothing in it but the empty `out`."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.out.mkdir(parents=True)

    def link(self, data: Path) -> None:
        """Shows a batch's spooled lines at `data`, where the disk can without a copy."""
        if data == self.data:
            return
        try:
            os.link(data, self.data)
        except OSError:
            shutil.copyfile(data, self.data)

    def connection(self, tap: str, memory_mb: int, sql: str | None = None) -> sandbox.Connection:
        """The tap's instance, for a batch or, without `sql`, ahead of one: it reads `data` and what is in `out`, and writes into `out`."""
        is_another = self._for != (tap, memory_mb) or self._sql not in (None, sql)
        if self._connection is None or is_another or self._batches >= _BATCHES:
            self.give_up()
            self._connection = sandbox.connect(memory_mb)
            sandbox.confine(self._connection, reads=self.data, writes=self.out)
            self._for, self._sql, self._batches = (tap, memory_mb), None, 0
        self._batches += 1
        return self._connection

    def lock(self, sql: str, holds_little: Callable[[], bool]) -> None:
        """Before the instance's first batch: it is for this statement from here, and can be told nothing else."""
        if self._connection is None or self._sql is not None:
            return
        self._sql = sql
        try:
            if holds_little():
                _, memory_mb = self._for
                sandbox.reserve_more(self._connection, memory_mb)
        finally:  # what a statement fails on is looked for with this instance too
            sandbox.lock(self._connection)

    def give_up(self) -> None:
        """Ends the instance; the next batch gets a fresh one."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None
