"""Zips whose bytes depend on nothing but their members: sorted names, one date, two modes.

A wheel's members are taken over as they were packed and our own are stored as they are. Nothing is deflated here, because zlib, zlib-ng and
Apple's make different bytes of one file.
"""

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_ZIP_2, _MADE_ON_UNIX = 20, 3 << 8
_MIDNIGHT, _FIRST_OF_1980 = 0, 1 << 5 | 1


@dataclass(frozen=True)
class Member:
    """A file of a zip, packed by `method`; `size` and `crc` are those of the unpacked file."""

    name: str
    packed: bytes
    method: int
    size: int
    crc: int
    executable: bool = False

    def below(self, folder: str) -> "Member":
        """The same file in a folder."""
        return replace(self, name=f"{folder}/{self.name}")


def stored(name: str, body: bytes, executable: bool = False) -> Member:
    """A file as it is, not compressed."""
    return Member(name, body, zipfile.ZIP_STORED, len(body), zlib.crc32(body), executable)


def members(path: Path) -> Iterator[Member]:
    """The files of a zip, still packed."""
    with zipfile.ZipFile(path) as archive, path.open("rb") as raw:
        for info in archive.infolist():
            if not info.is_dir():
                raw.seek(info.header_offset)
                *_, name_bytes, extra_bytes = _LOCAL.unpack(raw.read(_LOCAL.size))
                raw.seek(name_bytes + extra_bytes, 1)
                yield Member(info.filename, raw.read(info.compress_size), info.compress_type, info.file_size, info.CRC)


def write_zip(contents: Iterable[Member], path: Path) -> None:
    """Writes the members, whatever their order, as one zip; names are ASCII."""
    directory, offset, count = b"", 0, 0
    with path.open("wb") as file:
        for member in sorted(contents, key=lambda each: each.name):
            name = member.name.encode("ascii")
            sizes = (member.crc, len(member.packed), member.size, len(name), 0)
            packing = (_ZIP_2, 0, member.method, _MIDNIGHT, _FIRST_OF_1980)
            file.write(_LOCAL.pack(b"PK\3\4", *packing, *sizes) + name + member.packed)
            mode = stat.S_IFREG | (0o755 if member.executable else 0o644)
            directory += _CENTRAL.pack(b"PK\1\2", _MADE_ON_UNIX | _ZIP_2, *packing, *sizes, 0, 0, 0, mode << 16, offset) + name
            offset, count = file.tell(), count + 1
        file.write(directory + _END.pack(b"PK\5\6", 0, 0, count, count, len(directory), offset, 0))
