"""`tapmesh dev` as its user meets it: post, query, reload, stop."""

import asyncio
import os
import re
import signal
import subprocess
import threading
from pathlib import Path

import pytest
import urllib3

from mesh.local.dev import Dev
from mesh.local.workspace import beside
from mesh.spec import load
from tests.emulated.bring import free_port
from tests.local.conftest import TAPS, RunningMesh


@pytest.mark.parametrize("tap", ["buffered", "stored"])
def test_what_is_posted_can_be_queried(mesh: RunningMesh, tap: str) -> None:
    mesh.start()
    status, receipt = mesh.post(tap, b'{"id":"a","n":1}\n{"id":"b","n":"x"}\n')
    assert (status, receipt["accepted"], receipt["quarantined"]) == (200, 1, [{"line": 2, "reason": "$.n: expected INTEGER, got a text"}])
    mesh.wait_for(lambda: mesh.query(f"select id, n from {tap}") == [{"id": "a", "n": 1}], "the row", within_s=30)
    assert mesh.query("select tap, reason, record from _quarantine") == [
        {"tap": tap, "reason": "$.n: expected INTEGER, got a text", "record": '{"id":"b","n":"x"}'}
    ]
    traced = mesh.run("trace", receipt["receipt"])
    assert "state:    landed" in traced.stdout
    assert mesh.run("trace", "nonsense").returncode == 2


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("group", [False, True])
def test_a_signal_lands_what_is_open(mesh: RunningMesh, how: signal.Signals, group: bool) -> None:
    mesh.file.write_text(mesh.file.read_text().replace("age: 1s", "age: 300s"))
    mesh.start()
    for tap in ("buffered", "stored"):
        assert mesh.post(tap, b'{"id":"a","n":1}\n')[0] == 200
    assert mesh.stop(how, group) < 15
    assert mesh.query("select id from buffered union all select id from stored") == [{"id": "a"}, {"id": "a"}]
    assert mesh.leftovers() == []


def test_an_end_while_the_lander_has_just_died_lands_what_is_open(mesh: RunningMesh) -> None:
    mesh.file.write_text(mesh.file.read_text().replace("age: 1s", "age: 300s"))
    mesh.start()
    assert mesh.post("buffered", b'{"id":"a","n":1}\n')[0] == 200
    os.kill(mesh.lander(), signal.SIGKILL)
    mesh.stop()
    assert "stopped; everything acknowledged has landed" in mesh.log.read_text()
    assert mesh.query("select id from buffered") == [{"id": "a"}]


def test_an_end_at_which_something_cannot_land_says_so(mesh: RunningMesh) -> None:
    mesh.file.write_text(mesh.file.read_text().replace("age: 1s", "age: 300s"))
    mesh.start()
    assert mesh.post("buffered", b'{"id":"a","n":1}\n')[0] == 200
    in_the_way(mesh)
    mesh.stop()
    assert mesh.log.read_text().endswith("stopped; what could not land in time is kept and lands at the next start\n")
    out_of_the_way(mesh)
    mesh.start()
    mesh.wait_for(lambda: mesh.query("select id from buffered") == [{"id": "a"}], "the row")


def test_it_stops_on_sigint_though_it_was_started_with_sigint_ignored(mesh: RunningMesh) -> None:
    command = subprocess.list2cmdline(mesh.command("dev", "--port", str(mesh.port), "--file", str(mesh.file)))
    mesh.process = subprocess.Popen(["sh", "-c", f"trap '' INT; exec {command}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    mesh.wait_for(lambda: mesh.http.request("GET", f"http://127.0.0.1:{mesh.port}/healthz").status == 200, "the server")
    assert mesh.stop(signal.SIGINT) < 15


def test_a_second_mesh_on_the_folder_is_refused(mesh: RunningMesh) -> None:
    mesh.start()
    second = mesh.run("dev", "--port", "1")
    assert second.returncode == 1
    assert "another tapmesh runs on" in second.stderr


def test_a_broken_save_keeps_the_old_mesh_and_a_good_one_replaces_it(mesh: RunningMesh) -> None:
    mesh.file.write_text(mesh.file.read_text().replace("age: 1s", "age: 300s"))
    mesh.start()
    good = mesh.file.read_text()
    assert mesh.post("buffered", b'{"id":"before","n":1}\n')[0] == 200
    mesh.file.write_text(good.replace("team: growth, schema", "team: grwth, schema"))
    mesh.wait_for(lambda: "did you mean growth?" in mesh.log.read_text(), "the problem to be said")
    assert mesh.post("buffered", b'{"id":"during","n":2}\n')[0] == 200
    page = mesh.http.request("GET", f"http://127.0.0.1:{mesh.port}/").data.decode()
    assert "did you mean growth?" in page
    mesh.file.write_text(good.replace("buffered: {team: growth,", "buffered: {team: growth, sql: 'select id from events',"))
    mesh.wait_for(lambda: "reloaded: buffered changed\n" in mesh.log.read_text(), "the reload")
    assert mesh.post("buffered", b'{"id":"after","n":3}\n')[0] == 200
    mesh.stop()
    rows = mesh.query("select id, n from buffered order by _received_at nulls last")
    assert rows == [{"id": "before", "n": 1}, {"id": "during", "n": 2}, {"id": "after", "n": None}]


def test_a_save_while_the_one_before_is_taken_is_taken_too(tmp_path: Path) -> None:
    file, port, told = tmp_path / "taps.yaml", free_port(), list[str]()
    file.write_text(TAPS)

    def save_first() -> None:
        urllib3.request("GET", f"http://127.0.0.1:{port}/healthz", retries=urllib3.Retry(60, backoff_factor=0.05))
        file.write_text(TAPS.replace("age: 1s", "age: 2s"))

    def say(text: str) -> None:
        told.append(text)
        if "closed_club changed" in text:
            file.write_text(TAPS.replace("age: 1s", "age: 2s").replace("buffered: {", "added: {team: growth}\n  buffered: {"))
        if "added added" in text:
            signal.raise_signal(signal.SIGTERM)

    mesh = load(file).mesh
    assert mesh is not None
    saving = threading.Thread(target=save_first)
    saving.start()
    asyncio.run(asyncio.wait_for(Dev(file, mesh, beside(file), port, say).run(), 60))
    saving.join()
    assert [text for text in told if "reloaded" in text] == ["reloaded: buffered, stored, closed_club changed", "reloaded: added added"]


def test_a_file_that_a_broken_save_named_first_is_watched_too(mesh: RunningMesh) -> None:
    mesh.start()
    fresh = mesh.file.parent / "fresh.sql"
    fresh.write_text("select nothing from events\n")
    mesh.file.write_text(mesh.file.read_text().replace("buffered: {", "added: {team: growth, sql: fresh.sql}\n  buffered: {"))
    mesh.wait_for(lambda: "saved with problems" in mesh.log.read_text(), "the broken save")
    fresh.write_text("select record from events\n")
    mesh.wait_for(lambda: "reloaded: added added" in mesh.log.read_text(), "the mended one")
    mesh.stop()


def test_a_save_that_the_lake_cannot_take_is_taken_once_it_can(mesh: RunningMesh) -> None:
    mesh.start()
    settings = mesh.folder / ".mesh/lake/_mesh/settings"
    settings.rename(mesh.folder / "aside")
    settings.write_text("in the way")
    mesh.file.write_text(mesh.file.read_text().replace("age: 1s", "age: 2s"))
    mesh.wait_for(lambda: "the save is not taken yet, and the mesh runs on as it was: cannot write" in mesh.log.read_text(), "the trouble")
    assert mesh.post("buffered", b'{"id":"a","n":1}\n')[0] == 200
    settings.unlink()
    (mesh.folder / "aside").rename(settings)
    mesh.wait_for(lambda: "reloaded: buffered, stored, closed_club changed" in mesh.log.read_text(), "the reload")
    assert mesh.log.read_text().count("not taken yet") == 1


def save(mesh: RunningMesh, text: str) -> None:
    """At one moment: who looks meanwhile finds the file as it was or as it is, and the save is one."""
    (mesh.folder / "saving").write_text(text)
    (mesh.folder / "saving").replace(mesh.file)


def test_the_log_tells_the_time_and_what_each_save_did(mesh: RunningMesh) -> None:
    mesh.start()
    good = mesh.file.read_text()
    save(mesh, good.replace("  stored:", "  added: {team: growth}\n  stored:"))
    mesh.wait_for(lambda: "reloaded: added added\n" in mesh.log.read_text(), "the new tap")
    save(mesh, good)
    mesh.wait_for(lambda: "reloaded: added removed\n" in mesh.log.read_text(), "the removal")
    save(mesh, good + "# a word\n")
    mesh.wait_for(lambda: "reloaded: no tap changed\n" in mesh.log.read_text(), "the comment")
    told = [line for line in mesh.log.read_text().splitlines() if "reloaded" in line]
    assert all(re.match(r"\d\d:\d\d:\d\d reloaded: ", line) for line in told) and len(told) == 3


def test_a_column_that_gets_another_type_is_warned_of_once_files_have_landed(mesh: RunningMesh) -> None:
    mesh.start()
    good = mesh.file.read_text()
    mesh.post("buffered", b'{"id":"a","n":1}\n')
    mesh.wait_for(lambda: mesh.query("select n from buffered") == [{"n": 1}], "the row")
    mesh.file.write_text(good.replace("n: INTEGER", "n: VARCHAR"))
    warned = "buffered.n is VARCHAR from now on; files landed before have it as INTEGER, and stay so: queries read both as VARCHAR"
    mesh.wait_for(lambda: warned in mesh.log.read_text(), "the warning")
    assert warned in mesh.http.request("GET", f"http://127.0.0.1:{mesh.port}/").data.decode()
    assert "stored.n" not in mesh.log.read_text(), "nothing landed there"
    mesh.post("buffered", b'{"id":"b","n":"two"}\n')
    mesh.wait_for(lambda: mesh.query("select n from buffered order by n") == [{"n": "1"}, {"n": "two"}], "both as text")


def in_the_way(mesh: RunningMesh) -> None:
    """From now on nothing can be read or written in the lake's own folder."""
    (mesh.folder / ".mesh/lake/_mesh").rename(mesh.folder / "aside")
    (mesh.folder / ".mesh/lake/_mesh").write_text("in the way")


def out_of_the_way(mesh: RunningMesh) -> None:
    (mesh.folder / ".mesh/lake/_mesh").unlink()
    (mesh.folder / "aside").rename(mesh.folder / ".mesh/lake/_mesh")


def test_a_lake_that_cannot_be_written_refuses_and_recovers(mesh: RunningMesh) -> None:
    mesh.file.write_text(mesh.file.read_text().replace("age: 1s", "age: 300s, bytes: 1kB"))
    mesh.start()
    large = b"bad\n" * 300
    assert mesh.post("buffered", b'{"id":"landed","n":0}\n' + large)[0] == 200
    mesh.wait_for(lambda: mesh.query("select id from buffered") != [], "a landing, after which the lander knows the tap")
    assert mesh.post("buffered", b'{"id":"kept","n":1}\n')[0] == 200
    in_the_way(mesh)
    status, refused = mesh.post("stored", b'{"id":"refused","n":1}\n')
    assert (status, refused["error"]) == (503, "lake_down")
    assert mesh.post("buffered", b'{"id":"goes on","n":2}\n' + large)[0] == 200  # now it is due
    mesh.wait_for(lambda: "buffered: cannot land yet" in mesh.log.read_text(), "a landing that fails")
    out_of_the_way(mesh)
    mesh.wait_for(lambda: mesh.post("stored", b'{"id":"again","n":1}\n')[0] == 200, "the lake to take records again")
    mesh.stop()
    assert sorted(row["id"] for row in mesh.query("select id from buffered")) == ["goes on", "kept", "landed"]
    assert mesh.query("select id from stored") == [{"id": "again"}]
    assert mesh.leftovers() == []


def test_tokens_are_asked_for_and_explained(mesh: RunningMesh) -> None:
    mesh.start()
    token = mesh.run("token", "--as", "lead", "--tap", "closed_club").stdout.strip()
    stranger = mesh.run("token", "--as", "partner", "--tap", "closed_club")
    assert "partner is not granted" in stranger.stderr
    assert mesh.post("closed_club", b'{"id":"a"}')[1]["error"] == "no_token"
    assert mesh.post("closed_club", b'{"id":"a"}', x_bd_authorization="nonsense")[1]["error"] == "bad_token"
    status, refused = mesh.post("closed_club", b'{"id":"a"}', x_bd_authorization=stranger.stdout.strip())
    assert (status, refused["error"], "team growth" in refused["hint"]) == (403, "not_granted", True)
    assert mesh.post("closed_club", b'{"id":"a"}', authorization=f"Bearer {token}")[0] == 200
    assert mesh.post("nowhere", b"")[1]["error"] == "no_such_tap"


def test_browsers_of_the_taps_origins_may_post_and_the_page_is_local(mesh: RunningMesh) -> None:
    mesh.start()
    url = f"http://127.0.0.1:{mesh.port}"
    asks = {"origin": "https://shop.acme.example", "access-control-request-method": "POST"}
    allowed = mesh.http.request("OPTIONS", f"{url}/taps/closed_club", headers=asks)
    assert (allowed.status, allowed.headers["access-control-allow-origin"]) == (204, "https://shop.acme.example")
    other = mesh.http.request("OPTIONS", f"{url}/taps/closed_club", headers={**asks, "origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers
    assert mesh.http.request("GET", f"{url}/", headers={"host": "evil.example"}).status == 403


def test_send_reports_receipts_and_refusals(mesh: RunningMesh) -> None:
    mesh.start()
    data = mesh.folder / "data.ndjson"
    data.write_text("".join(f'{{"id":"r{n}","n":{n}}}\n' for n in range(25_000)))
    url = f"http://127.0.0.1:{mesh.port}/taps"
    command = mesh.command("send", str(data), "--to", "stored", "--url", f"{url}/stored")
    sent = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert sent.returncode == 0, sent.stderr
    assert "25,000 records accepted (stored)" in sent.stderr
    refused = subprocess.run([*command[:-1], f"{url}/closed_club"], capture_output=True, text=True, timeout=60)
    assert (refused.returncode, "401 no_token" in refused.stderr) == (1, True)
    mesh.stop()
    assert mesh.query("select count(*) as n, count(distinct id) as ids from stored") == [{"n": 25_000, "ids": 25_000}]
