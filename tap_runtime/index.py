"""The index of a spool: an entry behind every request says how far the bytes before it are whole."""

import struct
import zlib
from typing import NamedTuple

_ENTRY = struct.Struct("<QQHIIII")
_CHECK = struct.Struct("<I")
ENTRY_BYTES = _ENTRY.size + _CHECK.size


class Entry(NamedTuple):
    """Where the request's data and refused lines end, its sender by number, that sender's totals so far, and the bytes' checksum."""

    data_end: int
    refused_end: int
    sender: int
    requests: int
    accepted: int
    refused: int
    checksum: int


START = Entry(0, 0, 0, 0, 0, 0, 0)


def checksum(data: bytes, refused: bytes) -> int:
    """Of what one request added to the two files."""
    return zlib.crc32(refused, zlib.crc32(data))


def pack(entry: Entry) -> bytes:
    """An entry's bytes, with a checksum of their own."""
    body = _ENTRY.pack(*entry)
    return body + _CHECK.pack(zlib.crc32(body))


def unpack(index: bytes, number: int) -> Entry | None:
    """The entry of that number, from 0; None where it is torn."""
    body = index[number * ENTRY_BYTES : number * ENTRY_BYTES + _ENTRY.size]
    (check,) = _CHECK.unpack_from(index, number * ENTRY_BYTES + _ENTRY.size)
    return Entry(*_ENTRY.unpack(body)) if check == zlib.crc32(body) else None
