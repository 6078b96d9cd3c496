"""The layer's packages: the wheels `layer.txt` pins by hash, and what of them the runtime needs."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from mesh.package.archive import Member, members

Arch = Literal["arm64", "x86_64"]
Say = Callable[[str], None]

MACHINES: dict[Arch, str] = {"arm64": "aarch64", "x86_64": "x86_64"}
PYTHON = "3.13"
_GLIBC = range(28, 16, -1)  # Lambda's python3.13 has glibc 2.34, Amazon Linux 2023's; whoever tests a layer may have an older one
_UNUSED = {"adbc_driver_duckdb", "cffi"}  # cryptography needs _cffi_backend alone
_LICENCE = re.compile(r"licen[cs]es?\b|notice|copying|authors", re.IGNORECASE)


class BuildFailed(Exception):
    """The zips could not be made; `hint` says what to do."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


def fetch(requirements: Path, arch: Arch, folder: Path, say: Say, *options: str) -> list[Path]:
    """The requirements' wheels for Lambda, in `folder`; raises BuildFailed.

    By pip, not uv: uv keeps no wheels (astral-sh/uv#16410), and pip reaches the registry wherever `make setup` did.
    """
    platforms = [f"--platform=manylinux_2_{minor}_{MACHINES[arch]}" for minor in _GLIBC] + [f"--platform=manylinux2014_{MACHINES[arch]}"]
    target = [f"--python-version={PYTHON}", "--implementation=cp", "--only-binary=:all:", "--no-deps", *platforms]
    quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar=off"]
    command = [sys.executable, "-m", "pip", "download", *target, *quiet, *options, f"--requirement={requirements}", f"--dest={folder}"]
    said: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        for line in pip.stdout or ():
            said.append(line.strip())
            if found := re.match(r"\s*(?:Downloading|Using cached) \S*?([^/\s]+\.whl.*)", line):
                say(f"{arch}: {found[1]}")
    if pip.returncode:
        errors = [line.removeprefix("ERROR: ") for line in said if line.startswith("ERROR: ")] or said[-1:]
        hint = "check the network and `pip config list`; a first build takes about 35 MB an architecture from the package registry"
        raise BuildFailed(f"pip could not fetch the layer's packages for {arch}: {'; '.join(errors)}", hint)
    return sorted(folder.glob("*.whl"))


def needed(wheel: Path) -> Iterator[Member]:
    """What of a wheel goes into the layer."""
    return (member for member in members(wheel) if _is_needed(member.name))


def _is_needed(name: str) -> bool:
    top, _, rest = name.partition("/")
    if top.endswith(".dist-info"):
        return rest == "METADATA" or _LICENCE.match(rest) is not None
    return top not in _UNUSED and "/tests/" not in name and "/emscripten/" not in name and not name.endswith((".pyi", ".pyc", "/py.typed"))
