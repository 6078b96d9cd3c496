"""Debian's packages unpacked beside each other, not installed: of two syslog daemons a machine takes one, and neither is to be started."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.emulated.bring import alone, cached, missing


@dataclass(frozen=True)
class Unpacked:
    """A folder that is a package's / with what it depends on and this machine lacks."""

    root: Path

    def program(self, name: str) -> str:
        """A program in it."""
        return str(self.root / "usr/sbin" / name)

    def environment(self) -> Mapping[str, str]:
        """With its libraries."""
        folders = [*self.root.glob("usr/lib/*-linux-gnu"), *self.root.glob("lib/*-linux-gnu"), self.root / "usr/lib/syslog-ng"]
        return {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, folders))}


def unpacked(*packages: str) -> Unpacked:
    """Fetched by apt-get once, kept outside the checkout."""
    folder = cached("debian-" + "+".join(packages))
    if not folder.exists():
        if shutil.which("apt-get") is None:
            missing(f"Debian's {' and '.join(packages)}: run the tests on Debian")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as making:
            _fetch(packages, Path(making))
            try:
                Path(making, "root").rename(folder)
            except OSError:
                assert folder.exists()  # another run was quicker
    return Unpacked(folder)


def _fetch(packages: tuple[str, ...], making: Path) -> None:
    if os.geteuid() == 0:
        with alone("apt"):
            _said("apt-get", "update", "-q")
    plan = _said("apt-get", "-s", "--no-install-recommends", "install", *packages)
    wanted = [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]
    names = list(dict.fromkeys([*packages, *wanted]))  # what is installed already is fetched all the same
    _said("apt-get", "download", *names, folder=making)
    for file in making.glob("*.deb"):
        _said("dpkg-deb", "-x", str(file), str(making / "root"))


def _said(*command: str, folder: Path | None = None) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        missing(f"{' '.join(command)} failed: {done.stderr[-500:]}")
    return done.stdout
