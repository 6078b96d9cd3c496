"""Lands one sealed batch in a process that does nothing else; prints rows and the process's peak memory. Run by landing.py."""

import datetime as dt
import json
import os
import sys
from pathlib import Path

from tap_runtime.land import Lander
from tap_runtime.room import Room
from tap_runtime.store import folder_store


def lander(root: Path, room: Path) -> Lander:
    """The lander of a `.mesh` folder, which runs its statements in `room`."""
    return Lander(folder_store(root / "lake"), root / "spool", Room(room), lambda: dt.datetime.now(dt.UTC), os.urandom)


def peak_mb() -> float:
    """The most memory this process has held, in MB (10^6)."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    imported_mb = peak_mb()
    manifest = lander(Path(sys.argv[1]), Path(sys.argv[1]) / "scratch").land_spooled(sys.argv[2], sys.argv[3])
    assert manifest is not None
    counts = manifest.counts
    print(json.dumps({"rows": counts.rows, "quarantined": counts.quarantined, "imported_mb": imported_mb, "peak_mb": peak_mb()}))
