"""Built layers, kept outside the checkout under what they were built from."""

import fcntl
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mesh.package.wheels import PYTHON, Arch, Say
from tap_runtime.settings import environment

_HERE = Path(__file__).parent


def cache_folder() -> Path:
    """`XDG_CACHE_HOME/tapmesh/layers`."""
    return Path(environment("XDG_CACHE_HOME") or Path.home() / ".cache") / "tapmesh" / "layers"


def key(arch: Arch) -> str:
    """Names what a layer is built from: the pins, the lander's script and this package's own code."""
    digest = hashlib.sha256(f"{arch} {PYTHON}".encode())
    for path in sorted(path for path in _HERE.iterdir() if path.is_file()):
        digest.update(f"\n{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}".encode())
    return digest.hexdigest()


def sha256_of(path: Path) -> str:
    """The digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cached(folder: Path, key: str, make: Callable[[Path], None], say: Say) -> Path:
    """The file kept under `key`, named `<key>-<its sha256>.zip`; `make` writes it when it is not there or not whole."""
    with alone(folder, say):
        for path in folder.glob(f"{key}-*.zip"):
            if path.stem == f"{key}-{sha256_of(path)}":
                return path
            path.unlink()
        part = folder / "part"
        make(part)
        return part.replace(folder / f"{key}-{sha256_of(part)}.zip")


@contextmanager
def alone(folder: Path, say: Say) -> Iterator[None]:
    """One build at a time in a folder. The lock goes with its process, so what a killed build left is overwritten by the next."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another build in {folder}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
