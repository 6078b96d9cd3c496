"""Files that nobody else may read: mode 0600 from the first byte on, replaced whole."""

import contextlib
import os
import stat
from pathlib import Path


def write_private(file: Path, text: str, new: bool = False) -> None:
    """Replaces the file; `new`: leaves one that is there meanwhile as it is."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = file.with_name(f".{file.name}.{os.urandom(4).hex()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(text)
    if not new:
        fresh.rename(file)
        return
    with contextlib.suppress(FileExistsError):
        file.hardlink_to(fresh)
    fresh.unlink()


def read_private(file: Path) -> str:
    """The file's text; raises ValueError when others may read it too."""
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise ValueError(f"others may read it; chmod 600 {file}")
    return file.read_text()
