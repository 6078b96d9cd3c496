"""What a component under test needs on this machine: a folder outside the checkout, a free port, or a reason to skip."""

import fcntl
import functools
import os
import random
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NoReturn

import pytest

_PORTS = range(11_000, 32_000)  # the kernel gives those above to whoever connects, and may before the one who asked here listens
_ours: set[int] = set()


def cached(name: str) -> Path:
    """The folder of what was brought before; not there yet when this is the first time."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tapmesh" / name


@contextmanager
def alone(what: str) -> Iterator[None]:
    """One at a time on this machine; who comes second waits, and finds what the first has brought."""
    lock = cached(f"{what}.lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


@functools.cache
def _given() -> IO[str]:
    """A byte of it for each port: whoever was given the port holds its lock until it ends, listening or not."""
    file = cached("ports.lock")
    file.parent.mkdir(parents=True, exist_ok=True)
    return file.open("w")


def free_port() -> int:
    """A port nobody listens on, and nobody else who asked here is going to: a mesh under test may stop and start again."""
    while True:
        port = random.SystemRandom().choice(_PORTS)
        if port in _ours:  # its lock would not keep us out
            continue
        with socket.socket() as probe, suppress(OSError):
            fcntl.lockf(_given(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
            probe.bind(("127.0.0.1", port))
            _ours.add(port)
            return port


def missing(what: str) -> NoReturn:
    """Skips with the reason; fails where everything is required."""
    if os.environ.get("TAPMESH_REQUIRE") == "all":
        pytest.fail(f"TAPMESH_REQUIRE=all, and {what}")
    pytest.skip(what)


def apt(there: Callable[[], bool], packages: str) -> None:
    """Debian's packages, installed where they are not there yet and these tests run as root."""
    command = f"apt-get install -qy --no-install-recommends {packages}"
    if there():
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        with alone("apt"):
            if not there():
                subprocess.run(f"apt-get update -q && {command}", shell=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if not there():
        missing(f"needs: sudo {command}")


def pip(*words: str, python: Sequence[str] = (sys.executable,)) -> None:
    """The registry's ordinary client; what it says is shown only when it fails."""
    done = subprocess.run([*python, "-m", "pip", "--disable-pip-version-check", *words], capture_output=True, text=True)
    if done.returncode:
        missing(f"pip {' '.join(words)} failed: {done.stderr[-1000:]}")
