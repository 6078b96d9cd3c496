"""A request's body -> good records, re-encoded for the spool, and bad lines with their reasons.

The shortcut decodes the whole body in one call; only where it does not take a body is each line looked at alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import msgspec

from tap_runtime.advice import advice, of_csv
from tap_runtime.http import too_large
from tap_runtime.scalars import BadValue
from tap_runtime.settings import TapSettings
from tap_runtime.shortcut import Shortcut
from tap_runtime.values import compile_record

MAX_DEPTH = 100
_NOT_JSON = "not one JSON object"
SPOOLED_LINE_BYTES = 4_000_000  # envelope and all: what DuckDB's reader is told to expect (events.py)
_RECORD_BYTES = SPOOLED_LINE_BYTES - 1_000
_encoder = msgspec.json.Encoder(decimal_format="number")
_any = msgspec.json.Decoder(float_hook=Decimal)
_raws = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True)
class BadLine:
    """A line that cannot be a record. `lines` is more than 1 for the one entry that holds all past the first so many."""

    line: int
    reason: str
    raw: bytes
    lines: int = 1


@dataclass(frozen=True)
class Records:
    """`good`: the records as JSON objects, one a line without a last newline, each with `,"x":{…}` behind it where it has extra fields."""

    good: bytes
    accepted: int
    bad: tuple[BadLine, ...]

    @property
    def refused(self) -> int:
        """How many lines were refused."""
        return sum(line.lines for line in self.bad)


class Checker:
    """One tap's schema made ready to check bodies; built once, at start."""

    def __init__(self, settings: TapSettings) -> None:
        self._limits = settings.limits
        self._check = compile_record(settings.columns, settings.extra)
        self._shortcut = Shortcut(settings)

    def check(self, body: bytes, content_type: str) -> Records:
        """The body's records; raises Refused 413 where it has too many lines."""
        body = body.removeprefix(b"\xef\xbb\xbf")
        if content_type.partition(";")[0].strip().lower() == "application/json":
            elements = _json_document(body)
            if elements is not None:
                return self._each(iter(enumerate(elements, start=1)), len(elements))
        taken = self._shortcut.take(body)
        return self._lines(body) if taken is None else Records(*taken, ())

    def _lines(self, body: bytes) -> Records:
        lines = body.count(b"\n") + (not body.endswith(b"\n"))
        if lines > self._limits.lines:
            raise too_large(f"the body has {lines:,} lines", f"{self._limits.lines:,} lines a request")
        numbered = ((number, line) for number, line in enumerate(body.split(b"\n"), start=1) if line.strip())
        return _told_of_csv(self._each(numbered, lines))

    def _each(self, numbered: Iterator[tuple[int, bytes]], lines: int) -> Records:
        if lines > self._limits.lines:
            raise too_large(f"the body has {lines:,} records", f"{self._limits.lines:,} records a request")
        good: list[bytes] = []
        bad: list[BadLine] = []
        rest: list[bytes] = []
        first_of_rest = 0
        for number, line in numbered:
            try:
                good.append(self._one(line))
            except BadValue as fault:
                if len(bad) < self._limits.reasons:
                    bad.append(BadLine(number, fault.reason(), line.rstrip(b"\r")))
                else:
                    first_of_rest = first_of_rest or number
                    rest.append(line)
        if rest:
            bad.append(BadLine(first_of_rest, f"{len(rest)} more bad lines, kept together", b"\n".join(rest), len(rest)))
        return Records(b"\n".join(good), len(good), tuple(bad))

    def _one(self, line: bytes) -> bytes:
        if len(line) > self._limits.line_bytes:
            raise BadValue(f"the line has {len(line):,} bytes; the limit is {self._limits.line_bytes:,}")
        value = _decode(line)
        good, extra = self._check(value)
        spooled = _encode(good) if extra is None else _encode(good) + b',"x":' + _encode(extra)
        if len(spooled) > _RECORD_BYTES:
            raise BadValue(f"the record has {len(spooled):,} bytes once re-encoded; the limit is {_RECORD_BYTES:,}")
        return spooled


def _told_of_csv(records: Records) -> Records:
    """With what to do about CSV behind each line that is no JSON, where the bad lines are CSV together."""
    told = of_csv([bad.raw for bad in records.bad if bad.lines == 1])
    if not told:
        return records
    bad = (replace(bad, reason=f"{bad.reason}; {told}") if _NOT_JSON in bad.reason else bad for bad in records.bad)
    return replace(records, bad=tuple(bad))


def _encode(value: Any) -> bytes:
    try:
        return _encoder.encode(value)
    except (ValueError, OverflowError, RecursionError):
        raise BadValue("holds a value that JSON cannot carry") from None


def _decode(line: bytes) -> Any:
    try:
        text = line.decode()
        value = _any.decode(text)
    except UnicodeDecodeError as error:
        raise BadValue(f"not UTF-8 (byte {error.start + 1})") from None
    except msgspec.DecodeError as error:
        raise BadValue("; ".join(filter(None, (f"{_NOT_JSON}: {error}", advice(text, str(error)))))) from None
    except RecursionError:
        raise BadValue(f"nested deeper than {MAX_DEPTH}") from None
    except (ValueError, ArithmeticError):  # Decimal and int have limits of their own: 1e9999999999999999999, 5,000 digits
        raise BadValue("holds a number that is out of range") from None
    if line.count(b"{") + line.count(b"[") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise BadValue(f"nested deeper than {MAX_DEPTH}")
    if type(value) is list:
        raise BadValue("expected an object, got an array; an array of objects needs Content-Type: application/json")
    return value


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        nested = [element for element in level if isinstance(element, dict | list)]
        level = [child for element in nested for child in (element.values() if isinstance(element, dict) else element)]
    return depth - 1


def _json_document(body: bytes) -> list[bytes] | None:
    """The records of an `application/json` body that is one object or one array; None: read it as lines."""
    start = body.lstrip()[:1]
    try:
        if start == b"[":
            return [bytes(raw) for raw in _raws.decode(body)]
        if start == b"{":
            msgspec.json.decode(body, type=msgspec.Raw)
            return [body.strip()]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    return None
