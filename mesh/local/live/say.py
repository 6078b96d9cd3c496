"""Numbers and times as the page writes them."""

import datetime as dt


def rate(a_second: float) -> str:
    """A number a second: 1,240 or 0.4."""
    return f"{a_second:,.0f}" if a_second >= 10 or a_second == 0 else f"{a_second:.1f}"


def size(count: float) -> str:
    """Bytes as taps.yaml writes them: 4.2 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5 or unit == "GB":
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.3g} {unit}"
        count /= 1000
    raise AssertionError


def rows(count: int) -> str:
    """1 row, 2 rows."""
    return f"{count:,} row{'' if count == 1 else 's'}"


def span(seconds: float) -> str:
    """Seconds in their largest whole unit: 40 s, 5 min, 2 h."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length or seconds == length:
            return f"{round(seconds / length, 1):g} {unit}"
    return f"{seconds:.0f} s"


def minute(at: dt.datetime, today: dt.date) -> str:
    """A UTC time of day without seconds; the date too when it is not today's."""
    return f"{at:%H:%M}" if at.date() == today else f"{at:%Y-%m-%d %H:%M}"


def clock(at: dt.datetime, today: dt.date) -> str:
    """A UTC time of day; the date too when it is not today's."""
    return f"{at:%H:%M:%S}" if at.date() == today else f"{at:%Y-%m-%d %H:%M}"
