"""What the relay answers for: nothing of what it did not keep, all of what it did, whatever the program, the disk or the tap do."""

import contextlib
import resource
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mesh.batches import BATCH_BYTES
from mesh.cli.connect import connect
from mesh.cli.options import TAPS_YAML
from mesh.client import TapClient
from mesh.faults import SendFailed
from mesh.kits.delivery import Delivery
from mesh.kits.relay.command import _one
from mesh.kits.relay.door import door
from mesh.kits.relay.kept import Kept
from tests.cli.test_client import Failing
from tests.emulated.bring import free_port
from tests.kits.sources import TAPMESH

LINES = b'{"n":1}\n{"n":2}\n'
POST = b"POST / HTTP/1.1\r\nHost: relay\r\n"
DEEP = b"[" * 100_000 + b"]" * 100_000
UNKEPT = {
    "a body in chunks": (POST + b"Transfer-Encoding: chunked\r\n\r\n10\r\n" + LINES + b"\r\n0\r\n\r\n", 411),
    "chunks beside a length": (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n", 411),
    "a body without a length": (POST + b"\r\n" + LINES, 411),
    "a length that is no number": (POST + b"Content-Length: many\r\n\r\n" + LINES, 411),
    "a length below nothing": (POST + b"Content-Length: -1\r\n\r\n" + LINES, 411),
    "a length beyond reason": (POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n" + LINES, 413),
    "packed": (POST + b"Content-Encoding: gzip\r\nContent-Length: 16\r\n\r\n" + LINES, 415),
    "an array that is not whole": (POST + b'Content-Length: 8\r\n\r\n[{"n":1}', 400),
    "an array too deep": (POST + b"Content-Length: 200000\r\n\r\n" + DEEP, 400),
    "cut off": (POST + b"Content-Length: 100\r\n\r\n" + LINES, None),
}


def answered(port: int, request: bytes) -> int | None:
    """The status, None where the connection ends without one."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        head, _, _ = connection.makefile("rb").read().partition(b"\r\n")
    return int(head.split()[1]) if head else None


@pytest.mark.parametrize("what", UNKEPT)
def test_what_is_not_kept_whole_is_not_kept_and_not_called_so(tmp_path: Path, capfd: pytest.CaptureFixture[str], what: str) -> None:
    (request, status), port, kept = UNKEPT[what], free_port(), Kept(tmp_path)
    with door(port, kept):
        assert answered(port, request) == status
        assert answered(port, POST + b"Content-Length: 16\r\n\r\n" + LINES) == 200
    assert ([path.read_bytes() for path in kept], capfd.readouterr().err) == ([LINES], "")


@contextlib.contextmanager
def room(most_bytes: int) -> Iterator[None]:
    """No file can be larger meanwhile: what comes up to there is written, what comes behind it is an OSError, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_body_that_the_disk_does_not_take_leaves_nothing(tmp_path: Path) -> None:
    """Else its sender, which was told so, would send again what the next start delivers."""
    port, kept = free_port(), Kept(tmp_path)
    with room(10), door(port, kept):
        assert answered(port, POST + b"Content-Length: 16\r\n\r\n" + LINES) == 507
    assert list(tmp_path.iterdir()) == []


def test_a_line_that_the_disk_does_not_take_is_there_once_when_it_comes_again(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    with room(20):
        kept.append(b'{"line":1}\n')
        with pytest.raises(OSError, match="File too large"):
            kept.append(b'{"line":2}\n')
    kept.append(b'{"line":2}\n')
    assert [path.read_bytes() for path in kept] == [b'{"line":1}\n{"line":2}\n']


def test_what_was_killed_in_the_middle_is_kept_where_it_was_confirmed(tmp_path: Path) -> None:
    (tmp_path / "1.part").write_bytes(b'{"line":1}\n{"line')
    (tmp_path / "2.new").write_bytes(b'{"body":1}\n{"body":2}\n')
    assert {path.name: path.read_bytes() for path in Kept(tmp_path)} == {"1.ndjson": b'{"line":1}\n'}
    assert len([*tmp_path.iterdir()]) == 1


def test_lines_that_wait_long_are_files_that_a_tap_takes(tmp_path: Path) -> None:
    kept, line = Kept(tmp_path), b'"' + b"x" * 99_997 + b'"\n'
    for _ in range(25):
        kept.append(line)
    assert [path.stat().st_size for path in kept] == [BATCH_BYTES, BATCH_BYTES, BATCH_BYTES // 2]


def test_a_line_that_its_writer_did_not_end_is_not_kept(tmp_path: Path) -> None:
    """rsyslog was killed in the middle of it, has no word that it is safe, and brings it again."""
    command = [TAPMESH, "kit", "relay", "--omprog", "--to", "logs", "--url", "http://127.0.0.1:9/taps/logs", "--folder", "kept"]
    done = subprocess.run(command, input=b'{"n":1}\n{"n":', capture_output=True, timeout=60, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, b"OK\nOK\n"), done.stderr
    assert [path.read_bytes() for path in (tmp_path / "kept").glob("*.ndjson")] == [b'{"n":1}\n']


@pytest.mark.parametrize(("status", "aside"), [(302, False), (405, False), (410, False), (400, True), (409, True), (413, True)])
def test_only_what_is_refused_for_what_it_is_goes_aside(tmp_path: Path, status: int, aside: bool) -> None:
    """A page for maintenance, or an address that moved, is no reason to give up every file that waits."""
    file, server = tmp_path / "1.ndjson", Failing(status)
    file.write_bytes(b'{"n":1}\n')
    with contextlib.nullcontext() if aside else pytest.raises(SendFailed, match=f"answered {status}"):
        _one(file, Delivery(TapClient(server.url, lambda: None), accept_loss=False))
    server.shutdown()
    assert [path.name for path in tmp_path.iterdir()] == ["1.refused" if aside else "1.ndjson"]


@pytest.mark.parametrize("half_written", ["", "e30.e30"])
def test_a_token_file_that_is_being_written_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], half_written: str
) -> None:
    token, file, server = tmp_path / "token", tmp_path / "1.ndjson", Failing()
    token.write_text("e30.eyJleHAiOjF9.x")  # which ended in 1970, so that each request asks for another one
    file.write_bytes(b'{"n":1}\n')
    monkeypatch.setenv("TAP_TOKEN_COMMAND", f"cat {token}")

    def stopped(seconds: float) -> bool:
        token.write_text("e30.e30.x")
        return False

    delivery = Delivery(connect("logs", server.url, TAPS_YAML, None, stopped), accept_loss=False)
    token.write_text(half_written)
    _one(file, delivery)
    server.shutdown()
    assert (delivery.records, [*tmp_path.iterdir()], "trying again" in capsys.readouterr().err) == (1, [token], True)


def test_a_relay_ends_with_its_program_though_the_tap_is_away_and_another_waits_for_that(tmp_path: Path) -> None:
    """What waits is delivered by whichever runs when the tap is back."""
    command = [TAPMESH, "kit", "relay", "--omprog", "--to", "logs", "--url", "http://127.0.0.1:9/taps/logs", "--folder", "kept"]

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path)

    with start() as first:
        assert first.stdout is not None and first.stdout.readline() == b"OK\n"
        with start() as second, start() as third:
            for one in (second, third):
                assert one.stderr is not None and one.stderr.readline() == b"another relay has kept: waiting for its end\n"
            second.send_signal(signal.SIGTERM)
            assert second.wait(60) == 0
            assert first.communicate(b'{"n":1}\n', timeout=60)[0] == b"OK\n"
            assert third.communicate(b'{"n":2}\n', timeout=60)[0] == b"OK\nOK\n"
    assert sorted(path.read_bytes() for path in (tmp_path / "kept").glob("*.ndjson")) == [b'{"n":1}\n', b'{"n":2}\n']
