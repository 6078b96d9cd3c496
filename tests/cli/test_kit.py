"""What all kits share, by the one docs/kits/README.md shows: it delivers, waits for its tap, stops cleanly, or says why it cannot start."""

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import ENVIRONMENT
from tests.kits.example import HEAD
from tests.local.conftest import RunningMesh

ROOT = Path(__file__).parents[2]
TAPS = f"""{HEAD}
  clicks: {{ack: stored}}
  buffered: {{}}
  ours: {{public: false, ack: stored}}
"""
MAKE = "tapmesh token --as NAME --tap ours"
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def mesh(tmp_path: Path) -> Iterator[RunningMesh]:
    running = RunningMesh(tmp_path, TAPS)
    running.start()
    yield running
    if running.process is not None:
        running.stop()


@pytest.fixture
def start(mesh: RunningMesh) -> Start:
    (source,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/kits/README.md").read_text(), re.DOTALL)

    def started(tap: str, **options: object) -> subprocess.Popen[str]:
        url = f"http://127.0.0.1:{mesh.port}/taps/{tap}"
        program = f"{source}\n\nrun({tap!r}, **{ {'url': url} | options!r})"
        pipe = subprocess.PIPE
        return subprocess.Popen([sys.executable, "-c", program], cwd=mesh.folder, env=ENVIRONMENT, stdout=pipe, stderr=pipe, text=True)

    return started


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_delivers_waits_for_its_tap_and_stops_cleanly(mesh: RunningMesh, start: Start, how: signal.Signals) -> None:
    kit = start("clicks")
    mesh.wait_for(lambda: mesh.query("from clicks") != [], "a number")
    mesh.stop(signal.SIGKILL)
    assert kit.stderr is not None
    why = "Connection refused|Connection reset by peer|the connection ended before the answer"
    assert re.search(f"cannot be reached: ({why}); trying again in", kit.stderr.readline())
    mesh.start()
    before = mesh.query("select count(*) as n from clicks")[0]["n"]
    mesh.wait_for(lambda: mesh.query("select count(*) as n from clicks")[0]["n"] > before, "another number")
    kit.send_signal(how)
    _, err = kit.communicate(timeout=60)
    assert kit.returncode == 0, err
    delivered = int(re.findall(r"(\d+) records delivered, 0 of them to quarantine", err)[0])
    counted = "select count(*) as n, count(distinct record->>'number') as numbers from clicks"
    mesh.wait_for(lambda: mesh.query(counted) == [{"n": delivered, "numbers": delivered}], "each number once")


@pytest.mark.parametrize(
    ("tap", "options", "what", "hint"),
    [
        ("buffered", {}, "/taps/buffered is buffered: it may lose what the kit would not send again", "--accept-loss"),
        (
            "ours",
            {},
            "401 no_token: this tap asks for a token and the request has none",
            f"$({MAKE}); to outlive that token: export TAP_TOKEN_COMMAND='{MAKE}'",
        ),
        ("nowhere", {}, "404 no_such_tap: there is no such tap", "the taps here: clicks, buffered, ours"),
        ("clicks", {"url": "http://127.0.0.1:9/taps/clicks"}, "cannot be reached: Connection refused", "tapmesh dev"),
    ],
)
def test_what_keeps_it_from_starting_is_one_line_and_a_next_step(
    start: Start, tap: str, options: dict[str, object], what: str, hint: str
) -> None:
    kit = start(tap, **options)
    out, err = kit.communicate(timeout=60)
    assert (kit.returncode, out, err.count("\n")) == (1, "", 2), err
    error, advice = err.splitlines()
    assert (error.startswith("error: "), what in error, advice.startswith("hint: "), hint in advice) == (True, True, True, True), err


def test_an_end_that_is_asked_for_before_it_began_is_clean_too(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        kit = start("clicks", url=f"http://127.0.0.1:{silent.getsockname()[1]}/taps/clicks")
        asked, _ = silent.accept()
        kit.terminate()
        time.sleep(0.5)
        asked.close()
        assert kit.communicate(timeout=60) == ("", "")
    assert kit.returncode == 0


def test_loss_that_is_accepted_is_said_at_the_start(start: Start) -> None:
    kit = start("buffered", accept_loss=True)
    assert kit.stderr is not None
    assert "warning: buffered is buffered: what a crash of it loses is not sent again" in kit.stderr.readline()
    kit.terminate()
    kit.communicate(timeout=60)
    assert kit.returncode == 0
