"""A real `tapmesh dev` in a temporary folder: started, posted to, killed, read back."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from mesh.lake.place import Place
from mesh.lake.query import open_lake
from mesh.lake.select import one_select
from tests.emulated.bring import free_port

TAPS = """
version: 1
mesh: test
people: {lead: {email: lead@acme.example}, partner: {email: partner@example.org}}
teams: {growth: [lead]}
defaults: {public: true, thresholds: {age: 1s}}
taps:
  buffered: {team: growth, schema: {id: VARCHAR NOT NULL, n: INTEGER}}
  stored: {team: growth, ack: stored, schema: {id: VARCHAR NOT NULL, n: INTEGER}}
  closed_club: {team: growth, public: false, schema: {id: VARCHAR}, origins: ["https://shop.acme.example"]}
"""


class RunningMesh:
    """One mesh folder, and the server on it when there is one."""

    def __init__(self, folder: Path, taps: str = TAPS) -> None:
        self.folder, self.port = folder, free_port()
        self.file = folder / "taps.yaml"
        self.file.write_text(taps)
        self.log = folder / "dev.log"
        self.http = urllib3.PoolManager(retries=False, timeout=60)
        self.process: subprocess.Popen[bytes] | None = None

    def command(self, *words: str) -> list[str]:
        """`tapmesh` with these words, as this Python has it."""
        return [str(Path(sys.executable).parent / "tapmesh"), *words]

    def start(self) -> None:
        """Starts the server in a process group of its own and waits until it answers."""
        with self.log.open("ab") as log:
            command = self.command("dev", "--port", str(self.port), "--file", str(self.file))
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        self.wait_for(lambda: self.http.request("GET", f"http://127.0.0.1:{self.port}/healthz").status == 200, "the server to answer")

    def wait_for(self, check: Any, what: str, within_s: float = 60) -> None:
        """Polls until `check` is true; connection errors count as not yet."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            try:
                if check():
                    return
            except urllib3.exceptions.HTTPError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"waited {within_s} s for {what}\n{self.log.read_text()}")

    def post(self, tap: str, body: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
        """Status and JSON of one POST."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.http.request("POST", f"http://127.0.0.1:{self.port}/taps/{tap}", body=body, headers=sent)
        return answer.status, answer.json()

    def run(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Another tapmesh command on this folder."""
        command = self.command(*words, "--file", str(self.file))
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120)

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Rows of the lake, as `tapmesh query --format json` prints them but without its start, for this is asked again and again."""
        place = Place(str(self.folder / ".mesh/lake"))
        with tempfile.TemporaryDirectory() as scratch, open_lake(place, Path(scratch)) as lake:
            return [json.loads(row) for (row,) in lake.execute(f"SELECT to_json(r) FROM (\n{one_select(lake, sql)}\n) AS r").fetchall()]

    def lander(self) -> int:
        """The lander child's process id."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(children[0]) if children else 0

    def stop(self, how: signal.Signals = signal.SIGTERM, group: bool = False) -> float:
        """Ends the server; seconds it took."""
        assert self.process is not None
        started = time.monotonic()
        if group:
            os.killpg(self.process.pid, how)
        else:
            self.process.send_signal(how)
        self.process.wait(60)
        self.process = None
        return time.monotonic() - started

    def leftovers(self) -> list[str]:
        """Markers, staged objects, segments (not SEALs) and spools that are still there."""
        mesh, spool = self.folder / ".mesh/lake/_mesh", self.folder / ".mesh/spool"
        found = [path for kind in ("open", "staged") for path in (mesh / kind).rglob("*") if path.is_file()]
        found += [path for path in (mesh / "stored").rglob("*") if path.is_file() and b'"kind":"seal"' not in path.read_bytes()]
        return sorted(str(path) for path in [*found, *(path for path in spool.rglob("*") if path.is_file())])


@pytest.fixture
def mesh(tmp_path: Path) -> Iterator[RunningMesh]:
    """A mesh that is not started yet; ended hard when the test ends."""
    running = RunningMesh(tmp_path)
    yield running
    if running.process is not None:
        running.process.kill()
        running.process.wait()
