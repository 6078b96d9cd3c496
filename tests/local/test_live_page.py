"""The live page over HTTP: what it says, what its stream sends, and that neither another site nor a slow reader gets anything out of it."""

import contextlib
import datetime as dt
import json
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
import urllib3

from tests.local.conftest import RunningMesh

HOSTILE = '<img src=x onerror="document.title=1"><script>alert(1)</script>'
ENDLESS = {"sql": "select count(*) from range(10000000000) as a(i), range(10000000000) as b(j) where i * j % 7 = 3"}
PATHS = ["/", "/?tap=stored", "/live/stream", "/live/send", "/live/query", "/live/static/live.js"]


class Tags(HTMLParser):
    """Every tag of a page with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def url(mesh: RunningMesh, path: str = "/") -> str:
    return f"http://127.0.0.1:{mesh.port}{path}"


def page(mesh: RunningMesh, tap: str = "buffered") -> str:
    return mesh.http.request("GET", url(mesh, f"/?tap={tap}")).data.decode()


def ask(mesh: RunningMesh, path: str, question: Any, **headers: str) -> Any:
    sent = {"content-type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return mesh.http.request("POST", url(mesh, path), body=json.dumps(question), headers=sent, timeout=60)


def frames(mesh: RunningMesh, tap: str = "buffered") -> Iterator[dict[str, Any]]:
    answer = mesh.http.request("GET", url(mesh, f"/live/stream?tap={tap}"), preload_content=False)
    assert answer.headers["content-type"].startswith("text/event-stream")
    for line in answer:
        if line.startswith(b"data: "):
            yield json.loads(line[6:])


def test_the_page_shows_each_tap_and_what_was_declared(mesh: RunningMesh) -> None:
    mesh.file.write_text(mesh.file.read_text().replace("schema: {id: VARCHAR}", "sql: 'select id from events', schema: {id: VARCHAR}"))
    mesh.start()
    html = page(mesh, "closed_club")
    for said in ("<h2>closed_club</h2>", "select id from events", "lands at 10 MB or 1 s", "owned by growth", "<b>lead</b>", "for good"):
        assert said in html
    assert re.findall(r'href="/\?tap=(\w+)#tap"', html) == ["buffered", "stored", "closed_club"]


def test_the_stream_sends_everything_once_and_then_what_changes(mesh: RunningMesh) -> None:
    mesh.start()
    stream = frames(mesh)
    first = next(stream)
    assert set(first["parts"]) == {"save", "taps", "tap", "landings", "quarantine", "refusals", "declared"}
    assert (first["values"]["buffered.batch"], first["seconds"], first["records"]) == ("lands at 10 MB or 1 s", 59, {})
    assert set(next(stream)) == {"seconds", "records"}
    mesh.post("buffered", b'{"id":"a","n":1}\n{"id":"b","n":"x"}\n')
    mesh.post("buffered", b"", content_encoding="br")
    values, parts, spark, rates = dict[str, Any](), dict[str, Any](), list[int](), list[str]()
    while "quarantine" not in parts or "refusals" not in parts or not any(spark):
        frame = next(stream)
        spark += frame["records"].get("buffered", [0] * frame["seconds"])
        values |= frame.get("values", {})
        parts |= frame.get("parts", {})
        rates.append(values.get("buffered.records", ""))
    assert ("0.2" in rates, values["buffered.bad"], values["mesh.rows"]) == (True, "1", "1"), rates
    assert "415" in parts["refusals"][1] and "Content-Encoding: gzip" in parts["refusals"][1]
    assert "taps" not in parts
    assert sum(spark) == 1
    stream.close()  # type: ignore[attr-defined]


def test_an_open_batch_stands_against_its_thresholds(mesh: RunningMesh) -> None:
    mesh.file.write_text(mesh.file.read_text().replace("age: 1s", "age: 200s, bytes: 1kB"))
    mesh.start()
    for tap in ("buffered", "stored"):
        mesh.post(tap, b'{"id":"a","n":1}\n')
    values = next(frames(mesh))["values"]
    assert values["buffered.batch"].endswith("min left") and " of 1 kB" in values["buffered.batch"]
    assert 0 < values["buffered.bytes"] < 1 and 0 < values["stored.bytes"] <= 1
    mesh.post("buffered", b'{"id":"' + b"a" * 2000 + b'","n":1}\n')
    mesh.wait_for(lambda: next(frames(mesh))["values"]["buffered.last"].endswith("2 rows"), "the landing")


def test_hostile_text_stays_text_and_the_policy_allows_no_script_but_ours(mesh: RunningMesh) -> None:
    mesh.start()
    mesh.post("buffered", HOSTILE.encode() + b"\n" + json.dumps({"id": HOSTILE, "n": HOSTILE}).encode())
    mesh.post("nowhere" + HOSTILE.replace(" ", "+"), b"")
    mesh.wait_for(lambda: "onerror" in page(mesh), "the sample")
    answer = mesh.http.request("GET", url(mesh, "/?tap=buffered"))
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy and "script-src 'self'" in policy
    tags = Tags(answer.data.decode()).found
    assert [attrs["src"] for tag, attrs in tags if tag in ("img", "script")] == ["/live/static/live.js", "/live/static/mark.svg"]
    assert [name for _, attrs in tags for name in attrs if name.startswith("on") or name == "style"] == []
    assert "style" not in {tag for tag, _ in tags}
    missing = mesh.http.request("GET", url(mesh, "/?tap=" + HOSTILE.replace(" ", "+"))).data.decode()
    assert ("onerror" in missing, {"img", "script"} & {tag for tag, attrs in Tags(missing).found if "width" not in attrs}) == (True, set())
    html = next(frames(mesh))["parts"]["quarantine"][1]
    assert {tag for tag, _ in Tags(html).found} == {"ul", "li", "p", "b", "code", "pre"}


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.test"},
        {"host": "["},
        {"origin": "http://evil.test"},
        {"origin": "null"},
        *({"sec-fetch-site": f"{of}-site"} for of in ("cross", "same")),
    ],
)
def test_other_hosts_and_other_sites_get_nothing(mesh: RunningMesh, headers: dict[str, str]) -> None:
    mesh.start()
    for path in PATHS:
        for method in ("GET", "POST", "OPTIONS"):
            body = json.dumps({"tap": "buffered", "body": '{"id":"evil"}', "sql": "select 1"}) if method == "POST" else None
            sent = {"content-type": "application/json"} | headers
            answer = mesh.http.request(method, url(mesh, path), headers=sent, body=body)
            assert (answer.status, "access-control-allow-origin" in answer.headers) == (403, False), (method, path)
            assert answer.json()["error"] in ("not_local", "other_site")
    mesh.stop()
    assert mesh.query("select * from buffered") == []


def test_the_boxes_take_json_alone_and_say_what_is_wrong(mesh: RunningMesh) -> None:
    mesh.start()
    simple = ask(mesh, "/live/send", {"tap": "buffered", "body": "{}"}, content_type="text/plain")
    assert (simple.status, simple.json()["error"]) == (415, "not_json")
    assert ask(mesh, "/live/send", ["what?"]).json()["error"] == "unreadable"
    assert ask(mesh, "/live/send", {"tap": "nowhere", "body": "{}"}).json()["error"] == "no_such_tap"
    assert ask(mesh, "/live/query", {"sql": "x" * 1_000_001}).status == 413
    assert ask(mesh, "/live/query", {"sql": "selec 1"}).json()["error"].startswith("Parser Error")


def test_the_send_box_and_its_curl_command_both_land(mesh: RunningMesh) -> None:
    mesh.start()
    shown = re.sub(r"<[^>]*>", "", re.search(r'<pre id="curl".*?</pre>', page(mesh, "closed_club"), re.DOTALL)[0])  # type: ignore[index]
    command = shown.replace("&#39;", "'").replace("&#34;", '"').replace("&quot;", '"')
    done = subprocess.run(["sh", "-c", f"{command} --silent --fail-with-body"], capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout)["accepted"] == 1, done
    answer = ask(mesh, "/live/send", {"tap": "closed_club", "body": '{"id":"box"}\n{"id":1}\n'})
    assert (answer.json()["accepted"], answer.json()["quarantined_count"]) == (1, 1)
    assert "eyJ" not in answer.data.decode()
    mesh.stop()
    rows = mesh.query("select id, _sender from closed_club order by all")
    assert rows == [{"id": "box", "_sender": "lead"}, {"id": "example", "_sender": "lead"}]


def test_a_query_runs_beside_accepting_and_only_so_many_at_once(mesh: RunningMesh) -> None:
    mesh.start()

    def ask_for_ever() -> None:
        with contextlib.suppress(urllib3.exceptions.HTTPError):  # the mesh is ended under it
            while ask(mesh, "/live/query", ENDLESS).status == 503:  # the short one below was quicker
                time.sleep(0.1)

    for _ in range(3):
        assert ask(mesh, "/live/query", {"sql": "select count(*) as n from stored"}).json()["rows"] == [["0"]]
    asking = [threading.Thread(target=ask_for_ever) for _ in range(2)]
    for thread in asking:
        thread.start()
    mesh.wait_for(lambda: ask(mesh, "/live/query", {"sql": "select 1"}).status == 503, "both to run")
    assert mesh.post("stored", b'{"id":"a","n":1}\n')[0] == 200
    assert all(thread.is_alive() for thread in asking)
    mesh.stop()
    for thread in asking:
        thread.join(60)


def test_what_happened_before_a_restart_is_remembered(mesh: RunningMesh) -> None:
    mesh.start()
    before = dt.datetime.now(dt.UTC)
    mesh.post("buffered", b'{"id":"a","n":1}\n{"id":"b","n":"x"}\n')
    mesh.stop()
    days = {f"{at:%b %d}" for at in (before, dt.datetime.now(dt.UTC))}
    mesh.start()
    html = page(mesh)
    assert any(f"{day}</span>" in html for day in days), "a landing's day"
    assert "1 row" in html and "$.n: expected INTEGER, got a text" in html


def test_a_broken_save_is_shown_until_a_good_one(mesh: RunningMesh) -> None:
    mesh.start()
    stream = frames(mesh)
    next(stream)
    good = mesh.file.read_text()
    mesh.file.write_text(good.replace("ack: stored", "akc: <b>stored</b>"))
    parts = next(frame["parts"] for frame in stream if "save" in frame.get("parts", {}))
    assert "did you mean ack?" in parts["save"][1] and "runs on as before" in parts["save"][1]
    mesh.file.write_text(good.replace("ack: stored", "about: Kept on disk"))
    parts = next(frame["parts"] for frame in stream if "save" in frame.get("parts", {}))
    assert "stored changed" in parts["save"][1] and "did you mean" not in parts["save"][1]
    assert "Kept on disk" in page(mesh, "stored")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_open_streams_and_a_running_query_do_not_hold_up_the_end(mesh: RunningMesh, how: signal.Signals) -> None:
    mesh.start()
    reading = frames(mesh)
    next(reading)
    stuck, gone = (socket.create_connection(("127.0.0.1", mesh.port)) for _ in range(2))
    for silent in (stuck, gone):  # neither ever reads
        silent.sendall(f"GET /live/stream HTTP/1.1\r\nhost: 127.0.0.1:{mesh.port}\r\n\r\n".encode())
    gone.close()
    body = json.dumps(ENDLESS)
    head = f"POST /live/query HTTP/1.1\r\nhost: 127.0.0.1:{mesh.port}\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    asking = socket.create_connection(("127.0.0.1", mesh.port))
    asking.sendall((head + body).encode())
    assert mesh.post("buffered", b'{"id":"a","n":1}\n')[0] == 200
    assert mesh.stop(how) < 15
    list(reading)  # ended, not broken off, which would be an error
    assert b"the mesh is stopping" in asking.makefile("rb").read()
    assert "Traceback" not in mesh.log.read_text()
    assert mesh.query("select id from buffered") == [{"id": "a"}]
    for opened in (stuck, asking):
        opened.close()


def test_pages_that_went_away_leave_room_for_others(mesh: RunningMesh) -> None:
    mesh.start()
    for _ in range(3):
        streams = [frames(mesh) for _ in range(20)]
        for stream in streams:
            mesh.wait_for(lambda one=stream: next(one, None) is not None, "a place")
        assert mesh.http.request("GET", url(mesh, "/live/stream")).status == 503
        for stream in streams:
            stream.close()  # type: ignore[attr-defined]
        mesh.http = urllib3.PoolManager(retries=False, timeout=60)
        mesh.wait_for(lambda: mesh.http.request("GET", url(mesh, "/live/stream"), preload_content=False).status == 200, "room")
        mesh.http = urllib3.PoolManager(retries=False, timeout=60)
