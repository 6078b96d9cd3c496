"""Built zips, unpacked as Lambda unpacks them, and the Python it runs them with."""

import os
import platform
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from mesh.package import Built, build
from mesh.package.wheels import MACHINES, PYTHON, Arch

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
    patterns = (f".pyenv/versions/{PYTHON}*/bin/python", f".local/share/uv/python/cpython-{PYTHON}*/bin/python")
    candidates = [shutil.which(f"python{PYTHON}"), *(str(path) for pattern in patterns for path in Path.home().glob(pattern))]
    for found in candidates if platform.system() == "Linux" else ():
        if found and subprocess.run([found, "-c", ""], capture_output=True).returncode == 0:  # pyenv's shim is there without the version
            return found
    lacking = f"needs Linux and Python {PYTHON}: pyenv install {PYTHON}, or uv python install {PYTHON}"
    if os.environ.get("TAPMESH_REQUIRE") == "all":
        pytest.fail(lacking)
    pytest.skip(lacking)


@pytest.fixture(scope="session")
def opt(built: dict[Arch, Built], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layer for this machine, unpacked: Lambda's /opt."""
    arch: Arch = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
    return unpacked(built[arch].layer.path, tmp_path_factory.mktemp("opt"))


def unpacked(path: Path, folder: Path) -> Path:
    """Unzips with the modes the zip names."""
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            Path(archive.extract(info, folder)).chmod(info.external_attr >> 16)
    return folder


def without_registry(cache: Path) -> dict[str, str]:
    """An environment in which pip reaches nothing, and layers are kept in `cache`."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return {**own, "PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "0", "XDG_CACHE_HOME": str(cache)}


def with_registry(cache: Path) -> dict[str, str]:
    """An environment with an empty cache of layers, but pip's own."""
    kept = subprocess.run([sys.executable, "-m", "pip", "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()
    return {**os.environ, "PIP_CACHE_DIR": kept, "XDG_CACHE_HOME": str(cache)}
