"""What kits do with files: put one there whole, and have a folder alone."""

import fcntl
import os
from pathlib import Path
from typing import TextIO

PART = ".new"
"""The suffix of what is not whole yet; a process that was killed leaves one."""


def put(file: Path, content: bytes) -> None:
    """Once this returns, the file has that content, power loss included; raises OSError, and then all is as it was, unless the
    folder alone could not be synced."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(PART)
    try:
        with fresh.open("wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        fresh.rename(file)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    _sync(file.parent)


def _sync(folder: Path) -> None:
    """Its names too: without that a power loss takes the renaming back."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def locked(folder: Path) -> TextIO | None:
    """The folder's lock, ours until it is closed or the process ends; None while another process has it."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / ".lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock
