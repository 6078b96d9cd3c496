"""Meshes that run while a test does: any, and the example mesh of this repository, landing quickly."""

import contextlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.local.conftest import RunningMesh

ROOT = Path(__file__).parents[2]

HEAD = """
version: 1
mesh: test
people: {lead: {email: lead@acme.example}}
teams: {growth: [lead]}
defaults: {team: growth, public: true, thresholds: {age: 1s}}
taps:
"""  # of a mesh whose public taps land at once


@contextlib.contextmanager
def running(folder: Path, taps: str) -> Iterator[RunningMesh]:
    """A mesh that is started, and ended hard where the block did not stop it."""
    mesh = RunningMesh(folder, taps)
    try:
        mesh.start()
        yield mesh
    finally:
        if mesh.process is not None:
            mesh.process.kill()
            mesh.process.wait()


@contextlib.contextmanager
def example(folder: Path) -> Iterator[RunningMesh]:
    """The example mesh; every tap lands after a second."""
    shutil.copytree(ROOT / "sql", folder / "sql")
    taps = re.sub(r"\bage: \d+s", "age: 1s", (ROOT / "taps.yaml").read_text())
    with running(folder, taps) as mesh:
        yield mesh
