"""Samples of what is in quarantine, by reason: the start of the newest files, never more."""

import contextlib
import functools
import gzip
import itertools
import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tap_runtime import lake

FILES = 4
_ENTRIES, _ENTRY_BYTES = 500, 2_000_000
_REASONS, _SAMPLES, _SAMPLE_LENGTH = 8, 2, 300
_NUMBER = re.compile(r"(?<![\w.$-])\d[\d,.]*\b")


class _Entry(msgspec.Struct):
    reason: str
    record: str | None = None
    record_base64: str | None = None
    sender: str | None = None
    received_at: str = ""
    lines: int = 1


@dataclass(frozen=True)
class Sample:
    """One quarantined record, cut where it is long."""

    text: str
    sender: str | None
    received_at: str


@dataclass(frozen=True)
class Reason:
    """Why lines are in quarantine, how many of those looked at, and a few of them. Numbers that differ are `…`."""

    reason: str
    lines: int
    samples: tuple[Sample, ...]


@dataclass(frozen=True)
class Quarantined:
    """The most frequent reasons first, and how many more there are."""

    reasons: tuple[Reason, ...] = ()
    more: int = 0


def quarantined(folder: Path, tap: str, batches: tuple[str, ...]) -> Quarantined:
    """The reasons in these batches."""
    found: dict[str, list[_Entry]] = {}
    for batch in batches:
        with contextlib.suppress(OSError, EOFError, msgspec.MsgspecError):  # swept, or not published yet
            for entry in _entries(folder / lake.quarantine_key(tap, batch)):
                found.setdefault(_NUMBER.sub("…", _reason(entry)), []).append(entry)
    told = [_told(kind, entries) for kind, entries in found.items()]
    told.sort(key=lambda reason: -reason.lines)
    return Quarantined(tuple(told[:_REASONS]), len(told[_REASONS:]))


def _told(kind: str, entries: list[_Entry]) -> Reason:
    reasons = {_reason(entry) for entry in entries}
    return Reason(reasons.pop() if len(reasons) == 1 else kind, sum(entry.lines for entry in entries), _samples(entries))


def _reason(entry: _Entry) -> str:
    """Without the count of lines kept together, which stands before it."""
    return entry.reason.removeprefix(f"{entry.lines} ")


@functools.lru_cache(maxsize=100)
def _entries(path: Path) -> list[_Entry]:
    """Reads a file once: a landed batch's quarantine never changes."""
    with gzip.open(path) as file:
        lines = list(itertools.takewhile(bool, (file.readline(_ENTRY_BYTES) for _ in range(_ENTRIES))))
    return [msgspec.json.decode(line, type=_Entry) for line in lines if line.endswith(b"\n")]


def _samples(entries: list[_Entry]) -> tuple[Sample, ...]:
    by_text = {_text(entry): entry for entry in reversed(entries)}
    newest = list(by_text.items())[::-1][:_SAMPLES]
    return tuple(Sample(text, entry.sender, entry.received_at) for text, entry in newest)


def _text(entry: _Entry) -> str:
    text = entry.record if entry.record is not None else f"base64: {entry.record_base64 or ''}"
    return text if len(text) <= _SAMPLE_LENGTH else f"{text[:_SAMPLE_LENGTH]} … ({len(text):,} characters)"
