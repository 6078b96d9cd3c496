"""How far a source was read: a value of its cursor field, a time or a number, compared by number and written as the source writes it."""

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import Any

_NUMBER = re.compile(r"-?\d{1,99}(\.\d{1,99})?", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\d(.\d\d:\d\d.*)?", re.ASCII)  # as `Point` writes one; ISO 8601 has others


@dataclass(frozen=True, order=True)
class Point:
    """`number`: of a time, seconds since 1970 (UTC where it has no offset). `time` is None of what is a number anyway.

    A whole number is an int: ids are often beyond what a float tells apart."""

    number: int | float
    text: str = field(compare=False)
    time: dt.datetime | None = field(compare=False)

    def back(self, overlap: float) -> "Point":
        """The point that much before this one, in the same form: seconds of a time, else the number itself."""
        if self.time is None:
            number = self.number - (int(overlap) if overlap == int(overlap) else overlap)
            return Point(number, str(int(number)) if number == int(number) else str(number), None)
        try:
            return self._at(self.time - dt.timedelta(seconds=overlap))
        except OverflowError:  # there is no time before the year 1
            return self._at(dt.datetime.min.replace(tzinfo=self.time.tzinfo))

    def at_most(self, now: dt.datetime) -> "Point":
        """This point, or now where it is a time to come."""
        if self.time is None or self.number <= now.timestamp():
            return self
        return self._at(now if self.time.tzinfo else now.replace(tzinfo=None))

    def _at(self, time: dt.datetime) -> "Point":
        """Cut to what the text says of a time, never rounded up."""
        if len(self.text) == len("2026-11-25"):
            return point(time.date().isoformat())
        digits = re.search(r"\.(\d+)", self.text)
        spec = "seconds" if digits is None else "milliseconds" if len(digits[1]) <= 3 else "microseconds"
        text = time.isoformat(self.text[10], spec)
        return point(text.replace("+00:00", "Z") if self.text.endswith("Z") else text)


def point(value: Any) -> Point:
    """Of a cursor field's value; raises ValueError where it is no point."""
    text = str(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("neither a time (ISO 8601) nor a number")
    if isinstance(value, int | float) or _NUMBER.fullmatch(text):
        return Point(float(text) if isinstance(value, float) or "." in text else int(text), text, None)
    try:
        time = dt.datetime.fromisoformat(text if _TIME.fullmatch(text) else "")
    except ValueError:
        raise ValueError("neither a time (ISO 8601) nor a number") from None
    return Point((time if time.tzinfo else time.replace(tzinfo=dt.UTC)).timestamp(), text, time)
