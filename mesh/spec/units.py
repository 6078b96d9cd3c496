"""Sizes, durations, memory and days as `taps.yaml` writes them -> numbers; each raises ValueError with what is allowed."""

import datetime as dt
import re
from typing import Any

_SIZE = re.compile(r"(\d{1,12})\s*(B|kB|KB|MB|GB|KiB|MiB|GiB)", re.ASCII)
_SIZES = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_DURATION = re.compile(r"(\d{1,7})\s*(s|m|h|d)", re.ASCII)
_DURATIONS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DAY_S = 86400
MAX_BATCH_BYTES = 200 * 10**6  # a spool holds 256 MiB, refused lines among them
MAX_AGE_S = _DAY_S
MAX_FRESHNESS_S = 7 * _DAY_S  # an Idempotency-Key is remembered as long
MAX_EVERY_S = _DAY_S
MAX_LIFETIME_S = 366 * _DAY_S
MAX_KEEP_DAYS = 36_500


def size(value: Any) -> int:
    """Bytes: `10MB` is 10^7, `10MiB` 10 * 2^20."""
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("expected a size with its unit (B, KB, MB, GB, KiB, MiB or GiB), like 10MB or 10MiB")
    return int(match[1]) * _SIZES[match[2]]


def batch_size(value: Any) -> int:
    """Bytes of a batch."""
    found = size(value)
    if not 1 <= found <= MAX_BATCH_BYTES:
        raise ValueError("expected 1B to 200MB, as a batch has to fit the spool, like 10MB")
    return found


def duration(value: Any) -> int:
    """Seconds: `90s`, `5m`, `24h` or `400d`."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None or not int(match[1]):
        raise ValueError("expected a duration above 0 with its unit (s, m, h or d), like 60s, 5m, 24h or 400d")
    return int(match[1]) * _DURATIONS[match[2]]


def written(seconds: int) -> str:
    """`30d` of 2592000: the largest unit that leaves no rest."""
    unit, length = next((unit, length) for unit, length in reversed(_DURATIONS.items()) if seconds % length == 0)
    return f"{seconds // length}{unit}"


def age(value: Any) -> int:
    """Seconds a record may wait."""
    found = duration(value)
    if found > MAX_AGE_S:
        raise ValueError("expected at most 24h, like 60s")
    return found


def freshness(value: Any) -> int:
    """Seconds until a record should have landed."""
    found = duration(value)
    if found > MAX_FRESHNESS_S:
        raise ValueError("expected at most 7d, like 5m")
    return found


def every(value: Any) -> int:
    """Seconds between two readings."""
    found = duration(value)
    if found % 60 or found > MAX_EVERY_S:
        raise ValueError("expected whole minutes, 1m to 24h, like 15m")
    return found


def lifetime(value: Any) -> int:
    """Seconds a token may be good for."""
    found = duration(value)
    if not 60 <= found <= MAX_LIFETIME_S:
        raise ValueError("expected 1m to 366d, like 30d")
    return found


def memory(value: Any) -> int:
    """Megabytes as Lambda counts them: `128MB` to `10240MB`."""
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    found = int(match[1]) * _SIZES[match[2]] if match else 0
    memory_mb, rest = divmod(found, 2**20 if match and "i" in match[2] else 10**6)
    if rest or not 128 <= memory_mb <= 10240:
        raise ValueError("expected 128MB to 10240MB")
    return memory_mb


def keep(value: Any) -> int:
    """Whole days."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    days, rest = divmod(int(match[1]) * _DURATIONS[match[2]], _DAY_S) if match else (0, 0)
    if rest or not 1 <= days <= MAX_KEEP_DAYS:
        raise ValueError(f"expected whole days, 1d to {MAX_KEEP_DAYS}d, like 400d")
    return days


def day(value: Any) -> dt.date:
    """`2027-03-31`."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            raise ValueError("expected a day of the calendar, like 2027-03-31") from None
    raise ValueError("expected a day as YYYY-MM-DD, like 2027-03-31")
