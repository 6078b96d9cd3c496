"""When a batch that could not land is tried again."""

import datetime as dt

from tap_runtime.attempts import Attempts
from tests.tap_runtime.local_tap import START

BATCH = ("clicks", "b")


class Failing:
    """A batch that fails whenever it is tried; `now` is the clock."""

    def __init__(self) -> None:
        self.now = START
        self.attempts = Attempts(lambda: self.now)

    def due_after(self, seconds: float) -> bool:
        self.now += dt.timedelta(seconds=seconds)
        return self.attempts.is_due(BATCH)


def test_each_time_it_waits_twice_as_long_up_to_a_minute() -> None:
    failing = Failing()
    assert failing.due_after(0)
    assert [failing.attempts.failed(BATCH) for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    assert not failing.due_after(59.9)
    assert failing.due_after(0.1)
    failing.attempts.landed(BATCH)
    assert failing.attempts.failed(BATCH) == 0.5


def test_a_clock_that_goes_back_makes_it_due() -> None:
    failing = Failing()
    failing.attempts.failed(BATCH)
    assert failing.due_after(-3600)
