"""An export that may not begin, or is to end before it has begun: in words, without a node."""

import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mesh.kits.files import locked
from tests.cli.test_client import Failing
from tests.kits.sources import TAPMESH

SETTINGS = {"logs": {"settings": {"index.uuid": "u", "index.number_of_shards": "1"}}}


class _Busy(BaseHTTPRequestHandler):
    """Knows an index, and has no time for anything else."""

    def do_GET(self) -> None:
        body = json.dumps(SETTINGS).encode() if "_settings" in self.path else b"{}"
        self.send_response(200 if "_settings" in self.path else 503)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def command(tmp_path: Path) -> Iterator[list[str]]:
    """Of an export from a busy cluster into a stored tap."""
    cluster, tap = ThreadingHTTPServer(("127.0.0.1", 0), _Busy), Failing()
    threading.Thread(target=cluster.serve_forever, args=(0.05,), daemon=True).start()
    source = ("--from", f"http://127.0.0.1:{cluster.server_port}/logs")
    yield [TAPMESH, "kit", "opensearch", *source, "--to", "clicks", "--url", tap.url, "--state", str(tmp_path)]
    for server in (cluster, tap):
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("words", [[], ["--infer"]])
def test_the_end_while_the_cluster_is_busy_is_no_fault(command: list[str], words: list[str]) -> None:
    with subprocess.Popen([*command, *words], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "the cluster answered 503; trying again" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert (process.returncode, "Stopped" in said, "error" in said) == (0, False, False), said


def test_a_second_export_into_a_tap_is_refused_while_the_first_is_under_way(command: list[str], tmp_path: Path) -> None:
    """They would write one another's places."""
    lock = locked(tmp_path / "opensearch-clicks")
    assert lock is not None
    with lock:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    error, hint = done.stderr.splitlines()
    assert (done.returncode, error) == (1, f"error: {tmp_path}/opensearch-clicks is in use")
    assert hint.startswith("hint: another export into that tap is under way")
