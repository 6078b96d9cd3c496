"""The quarantine file of a batch: what was refused when it was accepted, and the records that fail at landing, each with its reason."""

import datetime as dt
import gzip
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from tap_runtime.segment import moment

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_encode = msgspec.json.Encoder(decimal_format="number").encode
_decode = msgspec.json.Decoder(float_hook=Decimal).decode  # numbers as they were sent: 1e400 is none of Python's floats


@dataclass(frozen=True)
class Failed:
    """Records that fail at landing for one reason, by their places in the batch's data."""

    code: str
    reason: str
    rows: frozenset[int] | None  # None: all of them


def write_quarantine(target: Path, data: Path, refused: Path, failed: Iterable[Failed]) -> Path:
    """`target`, gzipped: the entries of `refused`, which need not be there, then an entry for each record of `data` that failed."""
    with gzip.GzipFile(target, "wb", compresslevel=6, mtime=0) as file:
        if refused.is_file():
            with refused.open("rb") as entries:
                shutil.copyfileobj(entries, file)
        for fault in failed:
            file.writelines(_entry(line, fault.reason) for line in _chosen(data, fault.rows))
    return target


def _chosen(data: Path, rows: frozenset[int] | None) -> Iterable[bytes]:
    with data.open("rb") as lines:
        yield from (line for number, line in enumerate(lines) if rows is None or number in rows)


def _entry(line: bytes, reason: str) -> bytes:
    """A spooled record as quarantine has it, ready to be sent again."""
    spooled: dict[str, Any] = _decode(line)
    record = _whole(spooled["d"], spooled.get("x"))
    received_at = _EPOCH + dt.timedelta(microseconds=spooled["t"])
    entry = {"record": _encode(record).decode(), "reason": reason, "sender": spooled["s"], "received_at": moment(received_at)}
    return _encode(entry | {"request": spooled["r"], "line": None, "lines": 1}) + b"\n"


def _whole(good: Any, extra: Any) -> Any:
    """A value and the fields kept beside it because the schema does not name them, as one again (values.py takes them apart)."""
    if isinstance(good, dict) and isinstance(extra, dict):
        return good | {name: _whole(good.get(name), value) for name, value in extra.items()}
    if isinstance(good, list) and isinstance(extra, list):
        return [_whole(*pair) for pair in zip(good, extra, strict=True)]
    return good if extra is None else extra
