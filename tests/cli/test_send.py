"""`tapmesh send` and `query` against a real mesh: streams, waiting for a server, Ctrl-C."""

import json
import os
import re
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import TAPMESH, TAPS, Ask, Said, started
from tests.local.conftest import RunningMesh

ENDLESS = "select count(*) from range(100000000000) t(a), range(100) where a % 3 = 7"


def test_it_finds_the_mesh_that_runs_on_the_folder(served: RunningMesh, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(served.folder)
    (served.folder / "data.ndjson").write_text('{"id":"found"}\n{"id":7}\n')
    said = ask("send", "data.ndjson", "--to", "clicks", "--json")
    receipt = json.loads(said.out)
    assert (said.code, receipt["received"], receipt["accepted"], receipt["quarantined_count"]) == (0, 2, 1, 1)
    assert "1 record accepted (stored), 1 in quarantine" in said.err
    refused = ask("send", "data.ndjson", "--to", "orders")
    assert (refused.code, "error: 401 no_token" in refused.err) == (1, True)
    assert "hint: export TAP_TOKEN=$(tapmesh token --as NAME --tap orders)\n" in refused.err


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
    _, err = sending.communicate(timeout=60)
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
    assert re.search(r"cannot be reached: (the connection ended before the answer|Connection reset by peer)\n", said.err), said.err


def test_it_waits_for_a_mesh_that_starts_later(tmp_path: Path) -> None:
    mesh = RunningMesh(tmp_path, TAPS)
    (tmp_path / "data.ndjson").write_text('{"id":"a"}\n')
    sending = started(tmp_path, "send", "data.ndjson", "--to", "clicks", "--url", f"http://127.0.0.1:{mesh.port}/taps/clicks")
    assert sending.stderr is not None
    assert "Connection refused; trying again in" in sending.stderr.readline()
    mesh.start()
    _, err = sending.communicate(timeout=60)
    mesh.stop()
    assert (sending.returncode, "1 record accepted (stored)" in err) == (0, True)


@pytest.mark.parametrize("shape", ["table", "json"])
def test_ctrl_c_ends_a_query(served: RunningMesh, shape: str) -> None:
    querying = started(served.folder, "query", ENDLESS, "--format", shape)
    busy = Path(f"/proc/{querying.pid}/stat")
    served.wait_for(lambda: sum(map(int, busy.read_text().split()[13:15])) > 400, "the query to be under way")
    querying.send_signal(signal.SIGINT)
    out, err = querying.communicate(timeout=60)
    assert (querying.returncode, out, err) == (130, "", "")


def lines(*ids: object) -> str:
    return "".join(f'{{"id":"{name}"}}\n' for name in ids)


@pytest.fixture
def sender(served: RunningMesh, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """Writes a file of the mesh's folder and sends it."""
    monkeypatch.chdir(served.folder)

    def sent(name: str, content: str | bytes, *words: str) -> Said:
        (served.folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return ask("send", name, "--to", "clicks", *words)

    return sent


def test_a_file_that_is_sent_again_counts_once_unless_it_is_meant(served: RunningMesh, sender: Callable[..., Said]) -> None:
    file = lines(*(f"again-{n}" for n in range(25_000)))
    first, second = sender("again.ndjson", file, "--json"), sender("again.ndjson", file)
    receipts = [json.loads(line)["receipt"] for line in first.out.splitlines()]
    assert len(receipts) == 3
    assert "0 records new, 25,000 sent before (stored), 0 in quarantine\nsent before: " in second.err
    assert re.search(f"receipts: {receipts[0]}.* {receipts[2]}", second.err)
    assert "0 records new, 25,000 sent before" in sender("another-name.ndjson", file).err
    longer = sender("again.ndjson", file + lines("more"), "--from-line", "20001")
    assert "5,001 records accepted" in longer.err
    assert "sent before" not in longer.err  # the last batch is another one
    grown = sender("again.ndjson", file + lines("more", "most"))
    assert "5,002 records new, 20,000 sent before (stored)" in grown.err  # the full batches
    counted = "select count(*) as n from clicks where id like 'again-%'"
    served.wait_for(lambda: served.query(counted)[0]["n"] == 35_000, "the rows")
    twice = sender("once.ndjson", lines("once"), "--again"), sender("once.ndjson", lines("once"), "--again")
    assert [said.code for said in twice] == [0, 0]
    served.wait_for(lambda: served.query("select count(*) as n from clicks where id = 'once'")[0]["n"] == 2, "both rows")


def test_a_line_that_is_too_large_is_left_out_and_named(sender: Callable[..., Said]) -> None:
    said = sender("large.ndjson", lines("a", "b", "x" * 21_000_000, "c", "y" * 1_200_000))
    assert said.code == 1
    assert "3 records accepted (stored), 1 in quarantine" in said.err
    assert "error: not sent, as larger than the tap takes: line 3\n" in said.err


@pytest.mark.parametrize(
    ("content", "code", "what"),
    [
        (b"\x1f\x8b\x08", 2, "error: input is gzip"),
        (b"PK\x03\x04\x00\x00", 2, "error: input is not text"),
        ("{}".encode("utf-16"), 2, "error: input is not text"),
        (b"just\nwords\n", 1, "error: no record was accepted; all are in quarantine"),
        (b"", 0, "no records in it; nothing was sent"),
    ],
)
def test_what_holds_no_records_is_said_to_hold_none(sender: Callable[..., Said], content: bytes, code: int, what: str) -> None:
    said = sender("input", content)
    assert (said.code, what in said.err, "0 records accepted" in said.err) == (code, True, b"words" in content), said.err


@pytest.mark.parametrize(
    ("variable", "value", "what", "hint"),
    [
        ("TAP_TOKEN", "", "TAP_TOKEN is empty", "export TAP_TOKEN=$(tapmesh token"),
        ("TAP_TOKEN", "secret\nof mine", "TAP_TOKEN is not a token", "export TAP_TOKEN=$(tapmesh token"),
        ("TAP_TOKEN", "schlüssel.a.b", "TAP_TOKEN is not a token", "export TAP_TOKEN=$(tapmesh token"),
        ("TAP_TOKEN_COMMAND", "echo no", "the output of TAP_TOKEN_COMMAND is not a token", ""),
        ("TAP_TOKEN_COMMAND", "echo no key >&2; false", "TAP_TOKEN_COMMAND ended with 1: no key", "run it by hand"),
    ],
)
def test_a_token_that_cannot_be_one_is_said_to_be_none(
    sender: Callable[..., Said], monkeypatch: pytest.MonkeyPatch, variable: str, value: str, what: str, hint: str
) -> None:
    monkeypatch.setenv(variable, value)
    said = sender("data.ndjson", lines("a"))
    assert (said.code, said.err.startswith(f"error: {what}\n"), f"hint: {hint}" in said.err) == (2, True, True), said.err


def test_a_token_command_is_asked(served: RunningMesh, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(served.folder)
    (served.folder / "data.ndjson").write_text('{"a":1}\n')
    monkeypatch.setenv("TAP_TOKEN_COMMAND", f"{TAPMESH} token --as lead --tap orders")
    assert ask("send", "data.ndjson", "--to", "orders").code == 0


def test_a_file_stops_where_it_says_and_goes_on_there(tmp_path: Path) -> None:
    mesh = RunningMesh(tmp_path, TAPS)
    (tmp_path / "data.ndjson").write_text(lines(*range(300_000)))
    words = ("send", "data.ndjson", "--to", "clicks", "--url", f"http://127.0.0.1:{mesh.port}/taps/clicks", "--json")
    mesh.start()
    sending = started(tmp_path, *words)
    assert sending.stdout is not None
    sending.stdout.readline()
    mesh.stop(signal.SIGKILL)
    sending.send_signal(signal.SIGTERM)
    _, err = sending.communicate(timeout=60)
    stopped = re.search(r"stopped before line ([\d,]+) of data.ndjson; --from-line (\d+) goes on there", err)
    assert stopped is not None, err
    assert (sending.returncode, "Traceback" in err) == (130, False)
    mesh.start()
    rest = started(tmp_path, *words, "--from-line", stopped[2])
    assert (rest.communicate(timeout=60), rest.returncode)[1] == 0
    count = "select count(*) as n, count(distinct id) as ids from clicks"
    mesh.wait_for(lambda: mesh.query(count) == [{"n": 300_000, "ids": 300_000}], "each row once")
    mesh.stop()
