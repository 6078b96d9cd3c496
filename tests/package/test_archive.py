"""Zips as values: packed bytes are carried over, order and origin do not show."""

import random
import stat
import zipfile
from pathlib import Path

from mesh.package.archive import members, stored, write_zip

BODY = b"select * from events\n" * 500


def zip_of(path: Path, level: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        archive.mkdir("folder")
        archive.writestr("folder/a.py", BODY)
        with archive.open("streamed.py", "w", force_zip64=True) as file:
            file.write(BODY)
        archive.writestr("empty.py", b"")
    return path


def test_what_was_packed_stays_as_it_was_packed(tmp_path: Path) -> None:
    """Else the bytes would hang on this machine's zlib."""
    fast, best = (list(members(zip_of(tmp_path / f"{level}.zip", level))) for level in (1, 9))
    assert fast != best
    for packed in (fast, best):
        write_zip(packed, tmp_path / "again.zip")
        assert list(members(tmp_path / "again.zip")) == sorted(packed, key=lambda member: member.name)


def test_a_written_zip_is_whole_for_other_readers(tmp_path: Path) -> None:
    write_zip([*members(zip_of(tmp_path / "from.zip", 6)), stored("run", b"#!/bin/sh\n", executable=True)], tmp_path / "to.zip")
    with zipfile.ZipFile(tmp_path / "to.zip") as archive:
        assert archive.testzip() is None
        assert {info.filename: archive.read(info) for info in archive.infolist()} == {
            "empty.py": b"",
            "folder/a.py": BODY,
            "run": b"#!/bin/sh\n",
            "streamed.py": BODY,
        }
        modes = {info.filename: stat.filemode(info.external_attr >> 16) for info in archive.infolist()}
        assert modes == {"empty.py": "-rw-r--r--", "folder/a.py": "-rw-r--r--", "run": "-rwxr-xr-x", "streamed.py": "-rw-r--r--"}


def test_the_order_of_members_does_not_show(tmp_path: Path) -> None:
    files = [stored(f"{number}.py", bytes(number)) for number in range(20)]
    write_zip(files, tmp_path / "a.zip")
    write_zip(random.Random(1).sample(files, 20), tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
