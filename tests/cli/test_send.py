"""`tapmesh send` and `query` against a real mesh: streams, waiting for a server, Ctrl-C."""

import json
import os
import re
import signal
import socket
import threading
from pathlib import Path

import pytest

from tests.cli.conftest import TAPS, Ask, started
from tests.local.conftest import RunningMesh

ENDLESS = "select count(*) from range(100000000000) t(a), range(100) where a % 3 = 7"


def test_it_finds_the_mesh_that_runs_on_the_folder(served: RunningMesh, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(served.folder)
    (served.folder / "data.ndjson").write_text('{"id":"found"}\n{"id":7}\n')
    said = ask("send", "data.ndjson", "--to", "clicks", "--json")
    receipt = json.loads(said.out)
    assert (said.code, receipt["received"], receipt["accepted"], receipt["quarantined_count"]) == (0, 2, 1, 1)
    assert "1 records accepted (stored), 1 in quarantine" in said.err
    refused = ask("send", "data.ndjson", "--to", "orders")
    assert (refused.code, "error: 401 no_token" in refused.err, "hint: " in refused.err) == (1, True, True)


def test_an_address_that_is_no_tap_is_said_to_be_none(served: RunningMesh, ask: Ask, here: Path) -> None:
    (here / "data.ndjson").write_text('{"id":"a"}\n')
    said = ask("send", "data.ndjson", "--to", "clicks", "--url", f"http://127.0.0.1:{served.port}/healthz")
    assert (said.code, "but not as a tap does" in said.err, "/taps/<tap>" in said.err) == (1, True, True)


def test_a_stream_is_sent_while_it_stays_open_and_its_rest_when_it_is_interrupted(served: RunningMesh) -> None:
    reading, writing = os.pipe()
    sending = started(served.folder, "send", "-", "--to", "clicks", "--json", stdin=reading)
    assert sending.stdout is not None
    os.write(writing, b'{"id":"streamed"}\n')
    assert json.loads(sending.stdout.readline())["accepted"] == 1
    os.write(writing, b'{"id":"last"}\n')
    sending.send_signal(signal.SIGINT)
    _, err = sending.communicate(timeout=20)
    assert (sending.returncode, "Traceback" in err) == (130, False)
    served.wait_for(lambda: served.query("select id from clicks where id = 'streamed'") != [], "the row")
    os.close(writing)
    with os.fdopen(reading) as unread:  # read and sent, or not read at all; never read and dropped
        assert ("2 records accepted" in err) != ("last" in unread.read()), err


def test_a_connection_that_is_closed_without_an_answer_is_told_in_words(ask: Ask, here: Path) -> None:
    (here / "data.ndjson").write_text('{"id":"a"}\n')
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=lambda: server.accept()[0].close(), daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/taps/clicks"
        said = ask("send", "data.ndjson", "--to", "clicks", "--url", url, "--tries", "1")
    assert said.code == 1
    assert re.search(r"cannot be reached: (Remote end closed connection without response|Connection reset by peer)\n", said.err), said.err


def test_it_waits_for_a_mesh_that_starts_later(tmp_path: Path) -> None:
    mesh = RunningMesh(tmp_path, TAPS)
    (tmp_path / "data.ndjson").write_text('{"id":"a"}\n')
    sending = started(tmp_path, "send", "data.ndjson", "--to", "clicks", "--url", f"http://127.0.0.1:{mesh.port}/taps/clicks")
    assert sending.stderr is not None
    assert "Connection refused; trying again in" in sending.stderr.readline()
    mesh.start()
    _, err = sending.communicate(timeout=60)
    mesh.stop()
    assert (sending.returncode, "1 records accepted (stored)" in err) == (0, True)


@pytest.mark.parametrize("shape", ["table", "json"])
def test_ctrl_c_ends_a_query(served: RunningMesh, shape: str) -> None:
    querying = started(served.folder, "query", ENDLESS, "--format", shape)
    busy = Path(f"/proc/{querying.pid}/stat")
    served.wait_for(lambda: sum(map(int, busy.read_text().split()[13:15])) > 150, "the query to be under way")
    querying.send_signal(signal.SIGINT)
    out, err = querying.communicate(timeout=20)
    assert (querying.returncode, out, err) == (130, "", "")


@pytest.mark.parametrize(
    ("sql", "what", "hint"),
    [
        ("select * from clix", "Table with name clix does not exist", "tables here: _manifests, _quarantine, _senders, clicks, orders"),
        ("select nope from clicks", 'Referenced column "nope" not found', ""),
        ("selec 1", 'syntax error at or near "selec"', ""),
        ("drop table clicks", "expected one SELECT, got DROP", "tapmesh query"),
        ("select 1; select 2", "expected one SELECT, got 2 statements", "tapmesh query"),
        ("", "expected one SELECT, got 0 statements", "tapmesh query"),
        ("with x as (copy (select 1) to 'rows.csv') select * from x", "COPY statement must be at the top level", ""),
        ("from read_csv('/etc/passwd')", "Permission Error", ""),
    ],
)
def test_a_query_that_cannot_be_run_says_why(served: RunningMesh, ask: Ask, sql: str, what: str, hint: str) -> None:
    said = ask("query", sql, "--file", str(served.file))
    assert (said.code, said.out, said.err.startswith("error: ")) == (2, "", True)
    assert what in said.err
    assert hint in said.err.partition("hint: ")[2]


def test_a_reader_that_goes_away_is_no_fault(served: RunningMesh) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    querying = started(served.folder, "query", "from range(100000)", "--format", "json")
    assert querying.stdout is not None
    querying.stdout.readline()
    querying.stdout.close()
    os.close(writing)
    assert querying.stderr is not None
    err = querying.stderr.read()
    assert (querying.wait(20), err) == (1, "")
