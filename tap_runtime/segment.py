"""A span of accepted bytes and the object it is kept in: a stored request, or a whole raw spool saved at shutdown."""

import base64
import contextlib
import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from tap_runtime import FORMAT
from tap_runtime.errors import Broken
from tap_runtime.format import read_back
from tap_runtime.records import BadLine, Records

_CONTROL = bytes(range(32)).translate(None, b"\t\n\r")
_encode = msgspec.json.Encoder().encode


class Tally(Struct, frozen=True):
    """What one sender put into a batch: requests, lines accepted, lines refused. `sender` None: a public tap."""

    sender: str | None
    requests: int
    accepted: int
    refused: int

    def plus(self, other: "Tally") -> "Tally":
        """Both together; the sender is ours."""
        return Tally(self.sender, self.requests + other.requests, self.accepted + other.accepted, self.refused + other.refused)


def add_up(tallies: Iterable[Tally]) -> tuple[Tally, ...]:
    """One tally a sender."""
    totals: dict[str | None, Tally] = {}
    for tally in tallies:
        totals[tally.sender] = totals[tally.sender].plus(tally) if tally.sender in totals else tally
    return tuple(totals.values())


@dataclass(frozen=True)
class Span:
    """One request as it is spooled: DuckDB's lines, and the refused ones as quarantine will have them."""

    tally: Tally
    data: bytes
    refused: bytes

    @property
    def lines(self) -> int:
        """Lines accepted and refused."""
        return self.tally.accepted + self.tally.refused


class SegmentHeader(Struct, frozen=True, kw_only=True):
    """The first line of a segment. `key`: the idempotency object it must be named by to count."""

    format: int = FORMAT
    nonce: str
    tap: str
    batch: str
    settings: str
    tallies: tuple[Tally, ...]
    data_bytes: int
    refused_bytes: int
    key: str | None = None
    body_sha256: str | None = None


class Seal(Struct, frozen=True, tag="seal", tag_field="kind"):
    """Stands at the number after a batch's last segment; whoever puts it fences the batch's owner."""

    nonce: str
    format: int = FORMAT


@dataclass(frozen=True)
class Segment:
    """A segment as read back."""

    header: SegmentHeader
    data: bytes
    refused: bytes


class KeyOwner(Struct, frozen=True):
    """An idempotency object: the one segment its request counts in."""

    batch: str
    seq: int
    body_sha256: str


def read_owner(body: bytes) -> KeyOwner:
    """An idempotency object from its bytes; raises Broken."""
    return read_back(body, KeyOwner, "the idempotency object")


def make_span(records: Records, sender: str | None, request: int, now: dt.datetime) -> Span:
    """The request's lines in the envelope that DuckDB reads: `{"r":request,"t":microseconds,"s":sender,"d":record,"x":extra}`."""
    tally = Tally(sender, 1, records.accepted, records.refused)
    received_us = int(now.timestamp()) * 1_000_000 + now.microsecond
    prefix = b'{"r":%d,"t":%d,"s":%b,"d":' % (request, received_us, _encode(sender))
    data = b"".join((prefix, records.good.replace(b"\n", b"}\n" + prefix), b"}\n")) if records.accepted else b""
    refused = b"".join(quarantine_line(bad, sender, request, now) for bad in records.bad)
    return Span(tally, data, refused)


def quarantine_line(bad: BadLine, sender: str | None, request: int, now: dt.datetime) -> bytes:
    """A refused line as the quarantine file has it."""
    line = _raw(bad.raw) | {"reason": bad.reason, "sender": sender, "received_at": moment(now)}
    return _encode(line | {"request": request, "line": bad.line, "lines": bad.lines}) + b"\n"


def _raw(raw: bytes) -> dict[str, object]:
    """As text; in base64 where it is none, or largely of control characters, which JSON makes six times as long: 8 MB would not fit."""
    if len(raw) - len(raw.translate(None, _CONTROL)) <= len(raw) // 8:
        with contextlib.suppress(UnicodeDecodeError):
            return {"record": raw.decode()}
    return {"record_base64": base64.b64encode(raw).decode()}


def moment(when: dt.datetime) -> str:
    """A UTC time as quarantine and manifests write it."""
    return f"{when:%Y-%m-%dT%H:%M:%S.%f}Z"


def pack(header: SegmentHeader, data: bytes, refused: bytes) -> bytes:
    """A segment's bytes."""
    return b"".join((_encode(header), b"\n", data, refused))


def unpack(body: bytes) -> Segment | Seal:
    """A segment or SEAL from its bytes; raises NewerFormat or Broken."""
    head, newline, rest = body.partition(b"\n")
    if not newline:
        return read_back(head, Seal, "the SEAL")
    header = read_back(head, SegmentHeader, "the segment")
    if len(rest) != header.data_bytes + header.refused_bytes:
        raise Broken(f"the segment has {len(rest)} bytes, its header says {header.data_bytes + header.refused_bytes}")
    return Segment(header, rest[: header.data_bytes], rest[header.data_bytes :])
