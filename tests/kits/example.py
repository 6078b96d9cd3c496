"""The example mesh of this repository in a folder of its own, landing quickly."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.local.conftest import RunningMesh

ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def example(folder: Path) -> Iterator[RunningMesh]:
    """Started; `clicks` lands after a second. Ended hard when the test ends."""
    shutil.copytree(ROOT / "sql", folder / "sql")
    taps = (ROOT / "taps.yaml").read_text()
    assert "thresholds: {age: 10s}" in taps
    mesh = RunningMesh(folder, taps.replace("thresholds: {age: 10s}", "thresholds: {age: 1s}"))
    mesh.start()
    yield mesh
    if mesh.process is not None:
        mesh.process.kill()
        mesh.process.wait()
