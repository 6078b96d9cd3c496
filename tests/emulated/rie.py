"""Lambda's own runtime interface emulator and its runtime for Python, brought once and kept outside the checkout."""

import importlib.metadata as metadata
import platform
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mesh.package.wheels import PYTHON
from tests.emulated.bring import cached, missing, pip
from tests.emulated.python import lambda_python

EMULATOR = "aws-sam-cli==1.170.0"  # the wheel carries the emulator's binaries
CLIENT = ("awslambdaric==4.2.2", f"botocore=={metadata.version('botocore')}")  # Lambda's own folder has both


@dataclass(frozen=True)
class Runtime:
    """What starts a function: the emulator's binary, a Python and the folder that is its /var/runtime."""

    emulator: Path
    python: Path
    version: str
    client: Path


@cache
def runtime() -> Runtime:
    """Lambda's Python when this machine has it, else the one that runs the tests."""
    python, version = (lambda_python(), PYTHON)
    if python is None:
        python, version = Path(sys.executable).resolve(), f"{sys.version_info.major}.{sys.version_info.minor}"
    return Runtime(_emulator(), python, version, packages(version, *CLIENT))


def packages(version: str, *wanted: str) -> Path:
    """A folder with these packages for that Python, made once; what stands beside it never sees it half made."""
    folder = cached(f"{'+'.join(wanted)}-py{version}")
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=_made(folder.parent)) as making:
            target = ["--target", f"{making}/new", "--python-version", version, "--only-binary", ":all:"]
            pip("install", "-q", *target, *wanted)
            _keep(Path(making, "new"), folder)
    return folder


def _emulator() -> Path:
    machine = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine()) or missing(f"no emulator for {platform.machine()}")
    name = f"samcli/local/rapid/aws-lambda-rie-{machine}"
    folder = cached(EMULATOR)
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=_made(folder.parent)) as making:
            pip("download", "-q", "--no-deps", "--only-binary", ":all:", "-d", making, EMULATOR)
            with zipfile.ZipFile(next(Path(making).glob("*.whl"))) as wheel:
                wheel.extract(name, f"{making}/new")
            Path(making, "new", name).chmod(0o755)
            _keep(Path(making, "new"), folder)
    return folder / name


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _keep(made: Path, folder: Path) -> None:
    try:
        made.rename(folder)
    except OSError:  # another run was quicker
        assert folder.exists()
