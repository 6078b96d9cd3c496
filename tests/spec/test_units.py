"""Sizes, durations, memory and days: what is taken, and as what."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from mesh.spec.units import age, batch_size, day, duration, freshness, keep, lifetime, memory, size

Parse = Callable[[Any], Any]
TAKEN = [
    (size, "1B", 1),
    (size, "10kB", 10_000),
    (size, "10KB", 10_000),
    (size, "10 MB", 10_000_000),
    (size, "2GB", 2 * 10**9),
    (size, "1KiB", 1024),
    (size, "10MiB", 10 * 2**20),
    (size, "1GiB", 2**30),
    (batch_size, "200MB", 200 * 10**6),
    (age, "24h", 86_400),
    (freshness, "7d", 7 * 86_400),
    (lifetime, "1m", 60),
    (lifetime, "366d", 366 * 86_400),
    (duration, "60s", 60),
    (duration, "5 m", 300),
    (duration, "24h", 86_400),
    (duration, "400d", 400 * 86_400),
    (memory, "128MB", 128),
    (memory, "128MiB", 128),
    (memory, "1GiB", 1024),
    (memory, "1GB", 1000),
    (memory, "10240MB", 10240),
    (keep, "400d", 400),
    (keep, "48h", 2),
    (day, "2028-02-29", dt.date(2028, 2, 29)),
]
REFUSED = [
    *((size, value) for value in ("10", "10mb", "10M", "-1MB", "1.5MB", "MB", "", 10, None, True, "1" * 5000 + "MB", "١MB", ["1MB"])),
    *((batch_size, value) for value in ("0B", "201MB", "2GB", 10)),
    *((lifetime, value) for value in ("59s", "367d", 60)),
    *((age, value) for value in ("25h", "0s", 60)),
    *((freshness, value) for value in ("8d", "9999999d", None)),
    *((duration, value) for value in ("60", "0s", "1.5h", "5min", "-5m", "1w", "", 60, None, "9" * 5000 + "s", "١s")),
    *((memory, value) for value in ("127MB", "10241MB", "128", 128, "127MiB", "11GB", "500kB", "128500kB", None)),
    *((keep, value) for value in ("36h", "30s", "0d", "36501d", 400, None)),
    *((day, value) for value in ("2027-02-30", "31.12.2027", "2027-1-1", "20270101", "2027-W01-1", "", 2027, None)),
]


@pytest.mark.parametrize(("kind", "text", "value"), TAKEN)
def test_taken(kind: Parse, text: str, value: Any) -> None:
    assert kind(text) == value


@pytest.mark.parametrize(("kind", "value"), REFUSED, ids=lambda value: repr(value)[:20])
def test_refused(kind: Parse, value: Any) -> None:
    with pytest.raises(ValueError, match="expected .*like|expected 128MB to 10240MB"):
        kind(value)
