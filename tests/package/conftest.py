"""Built zips, unpacked as Lambda unpacks them, and the Python it runs them with."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from mesh.package import Built, build
from mesh.package.wheels import MACHINES, Arch
from tests.emulated.bring import missing
from tests.emulated.python import LACKING, lambda_python
from tests.emulated.tap import unpacked

ROOT = Path(__file__).parents[2]
TAPMESH = "from mesh.cli import run; run()"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[Arch, Built]:
    """Both architectures, from the user's own cache when it has them."""
    out = tmp_path_factory.mktemp("built")
    return {arch: build(arch, out) for arch in MACHINES}


@pytest.fixture(scope="session")
def python() -> str:
    """A Python of Lambda's version on this machine."""
    return str(lambda_python() or missing(LACKING))


@pytest.fixture(scope="session")
def opt(built: dict[Arch, Built], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layers of a tap for this machine, unpacked: Lambda's /opt."""
    arch: Arch = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
    return unpacked(built[arch].layer.path, unpacked(built[arch].lander.path, tmp_path_factory.mktemp("opt")))


def without_registry(cache: Path) -> dict[str, str]:
    """An environment in which pip reaches nothing, and layers are kept in `cache`."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return {**own, "PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "0", "XDG_CACHE_HOME": str(cache)}


def with_registry(cache: Path) -> dict[str, str]:
    """An environment with an empty cache of layers, but pip's own."""
    kept = subprocess.run([sys.executable, "-m", "pip", "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()
    return {**os.environ, "PIP_CACHE_DIR": kept, "XDG_CACHE_HOME": str(cache)}
