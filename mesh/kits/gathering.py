"""A kit's lines until they are a batch, by bytes, by number and by the age of the first."""

import time
from collections.abc import Callable

from mesh.batches import BATCH_BYTES, BATCH_LINES, WAIT_S


class Gathering:
    """Lines that wait to be sent together."""

    def __init__(self, wait_s: float = WAIT_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._wait_s, self._clock = wait_s, clock
        self._lines: list[bytes] = []
        self._bytes, self._due_s = 0, float("inf")

    def add(self, line: bytes) -> None:
        """One more line, with its end."""
        if not self._lines:
            self._due_s = self._clock() + self._wait_s
        self._lines.append(line)
        self._bytes += len(line)

    @property
    def empty(self) -> bool:
        """Whether no line waits."""
        return not self._lines

    def left_s(self) -> float:
        """Seconds until it is to be sent: none when it is full, endless when it is empty."""
        full = self._bytes >= BATCH_BYTES or len(self._lines) >= BATCH_LINES
        return 0.0 if full else max(0.0, self._due_s - self._clock())

    def take(self) -> bytes:
        """The batch; what comes from now on is another one."""
        batch = b"".join(self._lines)
        self._lines, self._bytes, self._due_s = [], 0, float("inf")
        return batch
