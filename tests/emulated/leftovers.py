"""What environments of this process have left on the machine: nothing, or a fault of the harness."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.emulated.cgroup import ROOT


def left_behind() -> list[str]:
    """Processes, mounts, loop devices and cgroups; an extension without a name of ours holds its cgroup."""
    mark = f"tapmesh-{os.getpid()}-"
    disks = [file.read_text() for file in Path("/sys/block").glob("loop*/loop/backing_file")]
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    groups = [folder for folder, _, _ in os.walk(ROOT)]
    return [line for line in (*_processes(), *disks, *mounts, *groups) if mark in line]


def _processes() -> Iterator[str]:
    """Command lines with environments of all others."""
    for folder in Path("/proc").glob("[0-9]*"):
        if folder.name != str(os.getpid()):
            with suppress(OSError):  # it has just ended
                yield ((folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()).replace(b"\0", b" ").decode(errors="replace")
