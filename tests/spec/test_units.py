"""Sizes, durations, memory and days: what is taken, and as what."""

import datetime as dt
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from mesh.spec.language import Day, Duration, Keep, Memory, Size

SIZE, DURATION, MEMORY, KEEP, DAY = (TypeAdapter[Any](kind) for kind in (Size, Duration, Memory, Keep, Day))
TAKEN = [
    (SIZE, "1B", 1),
    (SIZE, "10kB", 10_000),
    (SIZE, "10KB", 10_000),
    (SIZE, "10 MB", 10_000_000),
    (SIZE, "2GB", 2 * 10**9),
    (SIZE, "1KiB", 1024),
    (SIZE, "10MiB", 10 * 2**20),
    (SIZE, "1GiB", 2**30),
    (DURATION, "60s", 60),
    (DURATION, "5 m", 300),
    (DURATION, "24h", 86_400),
    (DURATION, "400d", 400 * 86_400),
    (MEMORY, "128MB", 128),
    (MEMORY, "128MiB", 128),
    (MEMORY, "1GiB", 1024),
    (MEMORY, "1GB", 1000),
    (MEMORY, "10240MB", 10240),
    (KEEP, "400d", 400),
    (KEEP, "48h", 2),
    (DAY, "2028-02-29", dt.date(2028, 2, 29)),
]
REFUSED = [
    *((SIZE, value) for value in ("10", "10mb", "10M", "-1MB", "1.5MB", "MB", "", 10, None, True, "1" * 5000 + "MB", "١MB", ["1MB"])),
    *((DURATION, value) for value in ("60", "0s", "1.5h", "5min", "-5m", "1w", "", 60, None, "9" * 5000 + "s", "١s")),
    *((MEMORY, value) for value in ("127MB", "10241MB", "128", 128, "127MiB", "11GB", "500kB", "128500kB", None)),
    *((KEEP, value) for value in ("36h", "30s", "0d", 400, None)),
    *((DAY, value) for value in ("2027-02-30", "31.12.2027", "2027-1-1", "20270101", "2027-W01-1", "", 2027, None)),
]


@pytest.mark.parametrize(("kind", "text", "value"), TAKEN)
def test_taken(kind: TypeAdapter[Any], text: str, value: Any) -> None:
    assert kind.validate_python(text) == value


@pytest.mark.parametrize(("kind", "value"), REFUSED, ids=lambda value: repr(value)[:20])
def test_refused(kind: TypeAdapter[Any], value: Any) -> None:
    with pytest.raises(ValidationError, match="expected .*like|expected 128MB to 10240MB"):
        kind.validate_python(value)
