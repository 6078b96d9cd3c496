"""When a batch that could not land is tried again: later each time, for ever."""

import datetime as dt
from collections.abc import Callable

from tap_runtime.errors import Broken, LakeDown, NewerFormat, SettingsGone
from tap_runtime.render import DiskTrouble, TryAgain

# What a landing may raise: the batch stays as it is.
LATER = (LakeDown, DiskTrouble, TryAgain, SettingsGone, NewerFormat, Broken, OSError)
_FIRST = dt.timedelta(seconds=0.5)
_LONGEST = dt.timedelta(seconds=60)

Batch = tuple[str, str]  # tap and batch


class Attempts:
    """The batches that failed, each with when it failed and how long it waits."""

    def __init__(self, clock: Callable[[], dt.datetime], longest: dt.timedelta = _LONGEST) -> None:
        self._clock, self._longest = clock, longest
        self._failed: dict[Batch, tuple[dt.datetime, dt.timedelta]] = {}

    def is_due(self, batch: Batch) -> bool:
        """Whether it may be tried now; a clock that has gone back cannot tell how long ago it failed."""
        if batch not in self._failed:
            return True
        at, delay = self._failed[batch]
        return not at <= self._clock() < at + delay

    def failed(self, batch: Batch) -> float:
        """Seconds until it is tried again."""
        delay = min(2 * self._failed[batch][1], self._longest) if batch in self._failed else _FIRST
        self._failed[batch] = (self._clock(), delay)
        return delay.total_seconds()

    def landed(self, batch: Batch) -> None:
        """Forgets it."""
        self._failed.pop(batch, None)
