"""What JSON each scalar DuckDB type takes and what is spooled for it: the type table of the schema, a function a row."""

import datetime as dt
import re
import uuid
from collections.abc import Callable
from decimal import Context, Decimal, Inexact
from typing import Any, Literal

import msgspec

from tap_runtime.schema import INTEGERS, Type

_LONGEST_PATH = 200  # a field's name may be as long as its line, and an answer larger than Lambda passes on
Checked = tuple[Any, Any]  # the value to spool, and what of it the schema does not name (None: nothing)
Check = Callable[[Any], Checked]

_JSON_NAMES = {bool: "a boolean", int: "a number", Decimal: "a decimal number", str: "a text", list: "an array", dict: "an object"}
_EXACT = Context(prec=1000, traps=[Inexact])
_FLOAT_MAX = Decimal("3.4028235e38")
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_SHORT_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?([Zz]|[+-]\d\d(:?\d\d)?)?)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"\d\d:\d\d(:\d\d(\.\d{1,6})?)?", re.ASCII)
_EPOCH = dt.datetime(1970, 1, 1)
_MICROSECONDS = {"s": 1_000_000, "ms": 1_000}


class BadValue(Exception):
    """A value its column does not take. The path is built while unwinding, so good values pay nothing for it."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault
        self.path: list[str] = []

    def reason(self) -> str:
        """As senders and quarantine read it: `$.x: expected INTEGER, got a text`."""
        path = "".join(reversed(self.path))
        return f"${path if len(path) <= _LONGEST_PATH else path[:_LONGEST_PATH] + '…'}: {self.fault}"


def expected(wanted: str, got: Any) -> BadValue:
    return BadValue(f"expected {wanted}, got {_JSON_NAMES.get(type(got), 'null')}")


def _boolean(value: Any) -> Checked:
    if type(value) is not bool:
        raise expected("BOOLEAN", value)
    return value, None


def _varchar(value: Any) -> Checked:
    if type(value) is not str:
        raise expected("VARCHAR", value)
    return value, None


def _json(value: Any) -> Checked:
    return value, None


def _integer(kind: str) -> Check:
    low, high = INTEGERS[kind]

    def check(value: Any) -> Checked:
        number = value
        if type(value) is Decimal and (value.adjusted() > 20 or value == value.to_integral_value()):
            number = int(value) if value.adjusted() <= 20 else high + 1
        if type(number) is not int:
            raise expected(kind, value)
        if not low <= number <= high:
            raise BadValue(f"out of range for {kind} ({low} to {high})")
        return number, None

    return check


def _floating(kind: str) -> Check:
    def check(value: Any) -> Checked:
        if type(value) not in (int, Decimal):
            raise expected(kind, value)
        try:
            number = float(value)
        except OverflowError:
            number = float("inf")
        if number in (float("inf"), float("-inf")) or (kind == "FLOAT" and abs(Decimal(number)) > _FLOAT_MAX):
            raise BadValue(f"out of range for {kind}")
        return number, None

    return check


def _decimal(precision: int, scale: int) -> Check:
    def check(value: Any) -> Checked:
        if type(value) not in (int, Decimal, str):
            raise expected(f"DECIMAL({precision},{scale})", value)
        if type(value) is str and not _DECIMAL.fullmatch(value):
            raise BadValue("expected a decimal number in the string")
        number = Decimal(value)
        if number and (number.adjusted() >= precision - scale or not _fits_scale(number, scale)):
            raise BadValue(f"does not fit DECIMAL({precision},{scale}) exactly")
        return format(number, "f") if number else "0", None

    return check


def _fits_scale(number: Decimal, scale: int) -> bool:
    try:
        exponent = _EXACT.normalize(number).as_tuple().exponent
    except Inexact:
        return False
    return int(exponent) >= -scale


def _timestamp(epoch: Literal["s", "ms"] | None) -> Check:
    def check(value: Any) -> Checked:
        if epoch is not None and type(value) in (int, Decimal):
            return _from_epoch(value, _MICROSECONDS[epoch]), None
        if type(value) is not str:
            raise expected("an ISO 8601 timestamp", value)
        try:
            return _utc(_parse_timestamp(value)), None
        except (ValueError, OverflowError):
            raise BadValue("expected an ISO 8601 timestamp") from None

    return check


def _from_epoch(value: int | Decimal, unit_us: int) -> dt.datetime:
    if Decimal(value).adjusted() > 16:
        raise BadValue("out of range for a timestamp")
    try:
        return _EPOCH + dt.timedelta(microseconds=round(value * unit_us))
    except OverflowError:
        raise BadValue("out of range for a timestamp") from None


def _parse_timestamp(text: str) -> dt.datetime:
    try:
        return msgspec.convert(text, dt.datetime)
    except msgspec.ValidationError:
        if not _SHORT_TIMESTAMP.fullmatch(text):
            raise ValueError(text) from None
        return dt.datetime.fromisoformat(text.upper())


def _utc(moment: dt.datetime) -> dt.datetime:
    return moment if moment.tzinfo is None else moment.astimezone(dt.UTC)


def _text(pattern: re.Pattern[str], parse: Callable[[str], Any], wanted: str) -> Check:
    def check(value: Any) -> Checked:
        if type(value) is not str:
            raise expected(wanted, value)
        try:
            if pattern.fullmatch(value):
                return parse(value), None
        except ValueError:
            pass
        raise BadValue(f"expected {wanted}")

    return check


def compile_scalar(kind: Type) -> Check:
    """The check of one scalar type."""
    match kind.kind:
        case "BOOLEAN":
            return _boolean
        case "VARCHAR":
            return _varchar
        case "JSON":
            return _json
        case "DOUBLE" | "FLOAT":
            return _floating(kind.kind)
        case "DECIMAL":
            return _decimal(kind.precision, kind.scale)
        case "TIMESTAMP" | "TIMESTAMPTZ":
            return _timestamp(kind.epoch)
        case "DATE":
            return _text(_DATE, dt.date.fromisoformat, "a date, YYYY-MM-DD")
        case "TIME":
            return _text(_TIME, dt.time.fromisoformat, "a time, HH:MM:SS")
        case "UUID":
            return _text(re.compile(r"[0-9a-fA-F-]{32,36}", re.ASCII), uuid.UUID, "a UUID")
    return _integer(kind.kind)
