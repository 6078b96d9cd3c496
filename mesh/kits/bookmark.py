"""A kit's bookmark on disk, and the Idempotency-Key of the batch that it is about to move past."""

import hashlib
import os
from pathlib import Path


def key(lines: bytes) -> str:
    """A batch's Idempotency-Key: every line of it says what it is of, so that equal batches are the same one."""
    return hashlib.sha256(lines).hexdigest()


def write(file: Path, content: bytes) -> None:
    """Puts it into the file, at once and whole, power loss included."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    with fresh.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    fresh.rename(file)
