"""What a component under test needs on this machine: a folder outside the checkout, a free port, or a reason to skip."""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import pytest


def cached(name: str) -> Path:
    """The folder of what was brought before; not there yet when this is the first time."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tapmesh" / name


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def missing(what: str) -> NoReturn:
    """Skips with the reason; fails where everything is required."""
    if os.environ.get("TAPMESH_REQUIRE") == "all":
        pytest.fail(f"TAPMESH_REQUIRE=all, and {what}")
    pytest.skip(what)


def pip(*words: str, python: Sequence[str] = (sys.executable,)) -> None:
    """The registry's ordinary client; what it says is shown only when it fails."""
    done = subprocess.run([*python, "-m", "pip", "--disable-pip-version-check", *words], capture_output=True, text=True)
    if done.returncode:
        missing(f"pip {' '.join(words)} failed: {done.stderr[-1000:]}")
