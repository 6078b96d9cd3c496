"""The command line as its user meets it: `run` in this process for what ends at once, a real `tapmesh` for the rest."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mesh.cli import run
from tests.local.conftest import RunningMesh

TAPMESH = str(Path(sys.executable).parent / "tapmesh")
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "120"}
TAPS = """
version: 1
defaults: {team: growth, thresholds: {age: 1s}}
mesh: test
teams: {growth: [lead]}
people:
  lead: {email: lead@acme.example}
  partner: {email: partner@example.org}
taps:
  clicks: {public: true, ack: stored, schema: {id: VARCHAR NOT NULL}}
  orders: {grants: {write: [{to: partner, until: 2026-01-31}]}}
"""


@dataclass(frozen=True)
class Said:
    """What a command ended with."""

    code: int
    out: str
    err: str


Ask = Callable[..., Said]


@pytest.fixture
def ask(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Ask]:
    """Runs the console script's own function with these words."""
    before = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}
    for name in ("TAP_TOKEN", "TAP_TOKEN_COMMAND", "TAPMESH_LAKE", "TAPMESH_URL_CLICKS"):
        monkeypatch.delenv(name, raising=False)

    def asked(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["tapmesh", *words])
        with pytest.raises(SystemExit, match=r".*") as ended:
            run()
        shown = capfd.readouterr()
        return Said(ended.value.code or 0, shown.out, shown.err)

    yield asked
    for name, handler in before.items():
        signal.signal(name, handler)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and the one this process stands in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    """A mesh that runs for all tests of a file."""
    mesh = RunningMesh(tmp_path_factory.mktemp("mesh"), TAPS)
    mesh.start()
    yield mesh
    mesh.stop()


def started(folder: Path, *words: str, stdin: int | None = None) -> subprocess.Popen[str]:
    """A real `tapmesh` in that folder."""
    pipe = subprocess.PIPE
    return subprocess.Popen([TAPMESH, *words], cwd=folder, env=ENVIRONMENT, stdin=stdin, stdout=pipe, stderr=pipe, text=True)


def on_a_terminal(folder: Path, *words: str, **environment: str) -> bytes:
    """What a real terminal gets to see."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([TAPMESH, *words], cwd=folder, env=ENVIRONMENT | environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 10_000):
            shown += chunk
    except OSError:  # the last of them closed the terminal
        pass
    process.wait(60)
    os.close(ours)
    return shown
