"""The shortcut of accepting: a whole body decoded against the schema in one call, where that gives what looking at each line would."""

import datetime as dt
from collections.abc import Callable
from operator import attrgetter
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from tap_runtime.schema import INTEGERS, Column
from tap_runtime.settings import TapSettings

_PLAIN: dict[str, Any] = {
    **{kind: Annotated[int, Meta(ge=low, le=high)] for kind, (low, high) in INTEGERS.items() if high < 2**63},
    **{"BOOLEAN": bool, "VARCHAR": str, "DOUBLE": float, "TIMESTAMP": dt.datetime, "TIMESTAMPTZ": dt.datetime},
}
_encoder = msgspec.json.Encoder()
_tzinfo = attrgetter("tzinfo")


class Shortcut:
    """One tap's schema made ready to take bodies whole; a schema with other than plain types takes none."""

    def __init__(self, settings: TapSettings) -> None:
        self._limits = settings.limits
        self._decoder = _decoder(settings.columns)
        self._moments = tuple(
            attrgetter(f"f{position}")
            for position, column in enumerate(settings.columns)
            if column.type.kind in ("TIMESTAMP", "TIMESTAMPTZ")
        )

    def take(self, body: bytes) -> tuple[bytes, int] | None:
        """The records re-encoded, one a line, and how many; None where any line needs a closer look."""
        if self._decoder is None or len(body) > self._limits.line_bytes and _longest_line(body) > self._limits.line_bytes:
            return None
        try:
            records = self._decoder.decode_lines(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        count = len(records)
        one_a_line = body.count(b"}\n{") == count - 1 == body.count(b"\n") - body.endswith(b"\n")  # which stands only between records
        if not 0 < count <= self._limits.lines or not one_a_line:
            return None
        if any(_has_offset(records, moment) for moment in self._moments):
            return None
        return _encoder.encode_lines(records)[:-1], count


def _longest_line(body: bytes) -> int:
    return max(map(len, body.split(b"\n")))


def _has_offset(records: list[Any], moment: Callable[[Any], dt.datetime | None]) -> bool:
    """Whether any timestamp has an offset other than Z, which DuckDB would drop: the slow path turns it into UTC."""
    return not {None, dt.UTC}.issuperset(map(_tzinfo, filter(None, map(moment, records))))


def _decoder(columns: tuple[Column, ...]) -> msgspec.json.Decoder[Any] | None:
    """A decoder of structs that accepts exactly records whose spooled form is their plain re-encoding; None: there is none."""
    if not columns or any(column.type.kind not in _PLAIN or column.type.epoch for column in columns):
        return None
    fields = []
    for position, column in sorted(enumerate(columns), key=lambda pair: not pair[1].required):
        kind = _PLAIN[column.type.kind]
        named = msgspec.field(name=column.name) if column.required else msgspec.field(name=column.name, default=None)
        fields.append((f"f{position}", kind if column.required else kind | None, named))
    struct = msgspec.defstruct("Record", fields, forbid_unknown_fields=True, omit_defaults=True, gc=False)
    return msgspec.json.Decoder(struct)
