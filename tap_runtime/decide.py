"""When an open batch is landed: a pure decision, the same in Lambda and on the laptop."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from tap_runtime.lake import opened_at
from tap_runtime.settings import TapSettings


@dataclass(frozen=True)
class OpenBatch:
    """What is known of a batch that takes records."""

    batch: str
    bytes: int


@dataclass(frozen=True)
class LandNow:
    """The batch is due."""

    why: Literal["bytes", "age"]


@dataclass(frozen=True)
class KeepCollecting:
    """The batch is due at `until`, unless bytes come first."""

    until: dt.datetime


def decide(batch: OpenBatch, settings: TapSettings, now: dt.datetime) -> LandNow | KeepCollecting:
    """Bytes win over age. A batch that opens in the future is due: the clock was ahead then, and would keep it open until it is there."""
    if batch.bytes >= settings.threshold_bytes:
        return LandNow("bytes")
    opened = opened_at(batch.batch)
    due = opened + dt.timedelta(seconds=settings.age_s)
    return KeepCollecting(until=due) if opened <= now < due else LandNow("age")
