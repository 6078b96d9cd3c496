"""Real collectd, syslog-ng and rsyslog with the configurations their kits print, and Fluent Bit by its measured requests and answers."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mesh.kits.relay.door import door
from mesh.kits.relay.kept import Kept
from tests.emulated.bring import free_port
from tests.kits.chaos import TWICE_S, settled
from tests.kits.example import example
from tests.kits.faults import FaultyTap
from tests.kits.fluent_bit import FluentBit, request
from tests.kits.sources import Collectd, Rsyslog, Source, SyslogNg, Way
from tests.local.conftest import RunningMesh

MEASURED = Path(__file__).with_name("fluent_bit_requests") / "plain.http"


@pytest.fixture
def mesh(tmp_path: Path) -> Iterator[RunningMesh]:
    (tmp_path / "mesh").mkdir()
    with example(tmp_path / "mesh") as running:
        yield running


def way(mesh: RunningMesh, source: Source | type[Source], folder: Path, address: str | None = None) -> Way:
    """From a folder of the source's own to its tap, perhaps through a proxy."""
    (folder / "source").mkdir()
    (folder / "token").write_text(mesh.run("token", "--as", source.person, "--tap", source.tap).stdout)
    return Way(f"{address or f'http://127.0.0.1:{mesh.port}'}/taps/{source.tap}", folder / "token", folder / "source")


@pytest.mark.parametrize("kind", [Collectd, SyslogNg, Rsyslog, FluentBit], ids=lambda kind: kind.name)
def test_nothing_is_lost_when_the_tap_is_away_and_the_shipper_starts_anew(mesh: RunningMesh, tmp_path: Path, kind: type[Source]) -> None:
    source = kind()
    to = way(mesh, source, tmp_path)
    source.start(to)
    try:
        source.emit(0, 20)
        assert sorted(settled(source, mesh, 20)) == list(range(20))
        mesh.stop()
        source.emit(20, 20)
        time.sleep(2)
        mesh.start()
        source.emit(40, 20)
        assert sorted(settled(source, mesh, 60)) == list(range(60))
        source.stop()
        source.start(to)
        source.emit(60, 20)
        assert sorted(settled(source, mesh, 80)) == list(range(80))
    finally:
        source.stop()


def test_syslog_ngs_lines_have_all_that_the_sql_asks_for(mesh: RunningMesh, tmp_path: Path) -> None:
    source = SyslogNg()
    source.start(way(mesh, source, tmp_path))
    source.emit(0, 1)
    settled(source, mesh, 1)
    source.stop()
    columns = "host, level, message, fields ->> 'program' as program, fields ->> 'pid' as pid, fields ->> 'id' as id"
    (row,) = mesh.query(f"select {columns}, time::varchar like '%-23 10:00:00' as dated from logs")
    assert row.pop("id")
    expected = {"host": "web1", "level": "NOTICE", "message": 'it\'s number 0 "of" many', "program": "shop", "pid": "7", "dated": True}
    assert row == expected


def test_the_emulation_sends_what_fluent_bit_sent(mesh: RunningMesh, tmp_path: Path) -> None:
    measured = MEASURED.read_bytes()
    body = measured.partition(b"\r\n\r\n")[2]
    output = {"host": "127.0.0.1", "port": 8111, "uri": "/taps/logs", "header": "x-bd-authorization ${TAP_TOKEN}"}
    assert request(output, "TOKEN", body) == measured
    token = way(mesh, FluentBit, tmp_path).token_file.read_text().strip()
    with socket.create_connection(("127.0.0.1", mesh.port)) as connection:
        connection.sendall(measured.replace(b"TOKEN", token.encode()))
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
    mesh.wait_for(lambda: len(mesh.query("from logs")) == 2, "the two lines it sent")


@pytest.mark.parametrize("fault", ["401", "403"])
def test_what_fluent_bit_drops_on_a_refused_token_is_known(mesh: RunningMesh, tmp_path: Path, fault: str) -> None:
    """The one way to lose: its page says how not to come there."""
    tap, source = FaultyTap(f"http://127.0.0.1:{mesh.port}"), FluentBit()
    tap.on(fault)  # type: ignore[arg-type]
    source.start(way(mesh, source, tmp_path, tap.address))
    source.emit(0, 3)
    mesh.wait_for(lambda: source.dropped == 3, "the batch it drops")
    source.emit(3, 3)
    assert sorted(settled(source, mesh, 3)) == [3, 4, 5]
    source.stop()
    tap.down()


def test_a_token_that_ended_just_now_costs_fluent_bit_nothing(mesh: RunningMesh, tmp_path: Path) -> None:
    source = FluentBit()
    to = way(mesh, source, tmp_path)
    good = to.token_file.read_text()
    to.token_file.write_text(mesh.run("token", "--as", "operator", "--tap", "logs", "--for", "1s").stdout)
    time.sleep(1.5)
    source.start(to)
    source.emit(0, 5)
    mesh.wait_for(lambda: source.chunks[0].tries > 1, "a 503 that is tried again")
    to.token_file.write_text(good)
    assert sorted(settled(source, mesh, 5, TWICE_S)) == list(range(5))
    assert (source.dropped, mesh.query(source.ids)) == (0, [{"id": number} for number in range(5)])
    source.stop()


def test_the_relay_keeps_what_a_refused_token_holds_up_and_delivers_it_once(mesh: RunningMesh, tmp_path: Path) -> None:
    tap, source = FaultyTap(f"http://127.0.0.1:{mesh.port}"), Collectd()
    to = way(mesh, source, tmp_path, tap.address)
    source.start(to)
    source.emit(0, 5)
    settled(source, mesh, 5)
    tap.on("401", 2)
    tap.on("lose-reply")
    source.emit(5, 5)
    mesh.wait_for(lambda: any(to.folder.glob("kept/*.ndjson")) and "401" in (to.folder / "relay.log").read_text(), "a refused delivery")
    source.stop()
    source.start(to)
    assert settled(source, mesh, 10, TWICE_S) == dict.fromkeys(range(10), 1)
    source.stop()
    tap.down()


class Lingering(Kept):
    """Is in no hurry to come back once it has kept something."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.taken, self.go = threading.Event(), threading.Event()

    def take(self, lines: bytes) -> None:
        super().take(lines)
        self.taken.set()
        self.go.wait()


def test_a_relay_that_ends_has_answered_what_it_has_kept_and_keeps_no_more(tmp_path: Path) -> None:
    """Else its sender would send again what is kept already."""
    port, kept = free_port(), Lingering(tmp_path)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with door(port, kept):
        connection.request("POST", "/", b'{"message":"one"}\n')
        assert kept.taken.wait(30)
        threading.Timer(1, kept.go.set).start()
    assert kept.go.is_set()
    assert json.load(connection.getresponse()) == {"statusCode": 200, "message": "kept"}
    assert connection.sock is not None
    connection.sock.settimeout(1)
    connection.request("POST", "/", b'{"message":"two"}\n')
    with pytest.raises(TimeoutError, match="timed out"):
        connection.getresponse()
    assert len([*kept]) == 1


def test_a_port_that_is_taken_is_said(mesh: RunningMesh, tmp_path: Path) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        done = mesh.run("kit", "relay", "--to", "metrics", "--port", str(port), "--folder", str(tmp_path / "kept"))
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, f"error: port {port} or {tmp_path}/kept: Address already in use")


@pytest.mark.parametrize(
    ("tap", "said"), [("logs", ""), ("clicks", "warning: clicks counts twice what Fluent Bit sends again: give it ack")]
)
def test_a_tap_that_would_count_twice_what_fluent_bit_sends_again_is_said(mesh: RunningMesh, tap: str, said: str) -> None:
    done = mesh.run("kit", "fluent-bit", "--tap", tap)
    assert (done.returncode, done.stderr.startswith(said), bool(done.stderr)) == (0, True, bool(said))
    assert done.stdout.startswith("# Fluent Bit")
