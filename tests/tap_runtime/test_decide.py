"""When an open batch is landed."""

import datetime as dt
from dataclasses import replace

import pytest

from tap_runtime import lake
from tap_runtime.decide import MOST_SEGMENTS, KeepCollecting, LandNow, OpenBatch, decide
from tests.tap_runtime.local_tap import START, settings

DUE = START + dt.timedelta(seconds=60)


def test_segments_win_over_age() -> None:
    batch = OpenBatch(lake.new_batch(START, bytes), 999, MOST_SEGMENTS - 1)
    decided = [decide(each, settings(threshold_bytes=1000), START) for each in (batch, replace(batch, segments=MOST_SEGMENTS))]
    assert decided == [KeepCollecting(DUE), LandNow("segments")]


@pytest.mark.parametrize(
    ("passed_s", "held", "decided"),
    [
        (0, 999, KeepCollecting(DUE)),
        (59, 999, KeepCollecting(DUE)),
        (60, 999, LandNow("age")),
        (0, 1000, LandNow("bytes")),
        (60, 1000, LandNow("bytes")),
        (-1, 999, LandNow("age")),
    ],
)
def test_bytes_win_over_age_and_a_clock_that_went_back_over_waiting(passed_s: int, held: int, decided: object) -> None:
    batch = OpenBatch(lake.new_batch(START, bytes), held)
    assert decide(batch, settings(threshold_bytes=1000, age_s=60), START + dt.timedelta(seconds=passed_s)) == decided
