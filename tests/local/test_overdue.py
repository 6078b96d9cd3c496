"""A landing that no limit ends is ended with its process, counted, and after three the batch is in quarantine."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tap_runtime.local_tap import LocalTap, column, settings

ENDLESS = "select count(*) as n from events, range(1000000) a, range(1000000) b"
LANDER = "import sys; from pathlib import Path; from mesh.local.lander import run; from mesh.local.workspace import Workspace; "
LANDER += "run(Workspace(Path(sys.argv[1])), overdue_s=1.0)"


@pytest.mark.parametrize("ack", ["buffered", "stored"])
def test_a_landing_that_does_not_end_is_tried_three_times(tmp_path: Path, ack: str) -> None:
    tap = LocalTap(tmp_path, settings((column("id", "VARCHAR"),), sql=ENDLESS, ack=ack, age_s=0))
    tap.post(b'{"id":"a"}\n')
    tap.acceptor.seal()
    for _ in range(3):
        ended = subprocess.run([sys.executable, "-c", LANDER, str(tmp_path)], stdin=subprocess.PIPE, capture_output=True, timeout=60)
        assert (ended.returncode, ended.stdout) == (75, b"")
    if ack == "stored":  # on the laptop's own clock none of them can be known to have ended yet
        tries = list((tmp_path / "lake/_mesh/stored").rglob("try-*"))
        assert len(tries) == 3
        for path in tries:
            path.write_bytes(path.read_bytes().replace(b'"failed":false', b'"failed":true'))
    done = subprocess.run([sys.executable, "-c", LANDER, str(tmp_path)], input=b"", capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    more = "give the tap more than memory: 128MB, or its SQL less to do"
    assert tap.reasons() == [f"landing failed: 3 tries ran out of memory or time, or were killed; {more}"]
