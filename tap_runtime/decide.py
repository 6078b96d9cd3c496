"""When an open batch is landed: a pure decision, the same in Lambda and on the laptop."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from tap_runtime.lake import opened_at
from tap_runtime.settings import TapSettings

MOST_SEGMENTS = 250  # a landing asks S3 for each and for its key: of more it might not end within the function's time


@dataclass(frozen=True)
class OpenBatch:
    """What is known of a batch that takes records."""

    batch: str
    bytes: int
    segments: int = 0


@dataclass(frozen=True)
class LandNow:
    """The batch is due."""

    why: Literal["bytes", "segments", "age"]


@dataclass(frozen=True)
class KeepCollecting:
    """The batch is due at `until`, unless bytes come first."""

    until: dt.datetime


def decide(batch: OpenBatch, settings: TapSettings, now: dt.datetime) -> LandNow | KeepCollecting:
    """Size wins over age. A batch that opens in the future is due: the clock was ahead then, and would keep it open until it is there."""
    if batch.bytes >= settings.threshold_bytes:
        return LandNow("bytes")
    if batch.segments >= MOST_SEGMENTS:
        return LandNow("segments")
    opened = opened_at(batch.batch)
    due = opened + dt.timedelta(seconds=settings.age_s)
    return KeepCollecting(until=due) if opened <= now < due else LandNow("age")
