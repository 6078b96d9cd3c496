"""Stopping an environment between requests, as Lambda does: no process of it runs, no timer of it fires in time."""

import os
import signal
import time

from tests.emulated.cgroup import Cgroup


def freeze(group: Cgroup) -> None:
    """Returns when nothing in it runs any more."""
    _set(group, frozen=True)


def thaw(group: Cgroup) -> None:
    """They go on where they stood."""
    _set(group, frozen=False)


def kill(group: Cgroup, also: int) -> None:
    """Kills everything in it and the process `also` at one instant: none of them sees another die."""
    freeze(group)
    for pid in [*group.processes(), also]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    thaw(group)


def _set(group: Cgroup, frozen: bool) -> None:
    folder = group.folders["freezer"]
    if group.v1:
        wanted, file = ("FROZEN" if frozen else "THAWED"), folder / "freezer.state"
        file.write_text(wanted)
    else:
        wanted, file = f"frozen {int(frozen)}", folder / "cgroup.events"
        (folder / "cgroup.freeze").write_text(str(int(frozen)))
    until = time.monotonic() + 60
    while wanted not in file.read_text().splitlines():
        assert time.monotonic() < until, f"{folder} does not become {wanted}"
        time.sleep(0.0005)
