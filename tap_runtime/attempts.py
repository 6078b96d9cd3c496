"""When a batch that could not land is tried again: later each time, for ever."""

import datetime as dt
from collections.abc import Callable

from tap_runtime.errors import BrokenSegment, LakeDown, NewerFormat
from tap_runtime.render import DiskTrouble, TryAgain

LATER = (LakeDown, DiskTrouble, TryAgain, NewerFormat, BrokenSegment, OSError)  # what a landing may raise: the batch stays as it is
_FIRST = dt.timedelta(seconds=0.5)
_LONGEST = dt.timedelta(seconds=60)

Batch = tuple[str, str]  # tap and batch


class Attempts:
    """The batches that failed, each with when it is due again."""

    def __init__(self, clock: Callable[[], dt.datetime], longest: dt.timedelta = _LONGEST) -> None:
        self._clock, self._longest = clock, longest
        self._due: dict[Batch, tuple[dt.datetime, dt.timedelta]] = {}

    def is_due(self, batch: Batch) -> bool:
        """Whether it may be tried now."""
        return batch not in self._due or self._clock() >= self._due[batch][0]

    def failed(self, batch: Batch) -> float:
        """Seconds until it is tried again."""
        _, delay = self._due.get(batch, (None, _FIRST))
        self._due[batch] = (self._clock() + delay, min(2 * delay, self._longest))
        return delay.total_seconds()

    def landed(self, batch: Batch) -> None:
        """Forgets it."""
        self._due.pop(batch, None)
