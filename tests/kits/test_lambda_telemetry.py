"""The telemetry extension against a Telemetry API as documented and a real tap that misbehaves."""

import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.emulated.telemetry import TelemetryApi
from tests.kits import extension
from tests.kits.example import example
from tests.kits.extension import log, report, started
from tests.kits.faults import FaultyTap
from tests.local.conftest import RunningMesh

PATH = "/taps/lambda_telemetry"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return extension.built(tmp_path_factory.mktemp("extension"))


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    with example(tmp_path_factory.mktemp("mesh")) as running:
        yield running


@pytest.fixture
def tap(mesh: RunningMesh) -> Iterator[FaultyTap]:
    """In front of the mesh."""
    faulty = FaultyTap(f"http://127.0.0.1:{mesh.port}")
    yield faulty
    faulty.down()


@pytest.fixture
def variables(mesh: RunningMesh, tap: FaultyTap) -> dict[str, str]:
    """The two that a function needs."""
    token = mesh.run("token", "--as", "operator", "--tap", "lambda_telemetry").stdout.strip()
    return {"TAPMESH_TELEMETRY_URL": tap.address + PATH, "TAPMESH_TELEMETRY_TOKEN": token}


def landed(mesh: RunningMesh, prefix: str, count: int) -> list[dict[str, Any]]:
    """All events whose request id or message begins so, once there are that many."""
    sql = (
        f"select type, coalesce(request_id, message) as what, function, region, log_group from lambda_telemetry where what like '{prefix}%'"
    )
    rows: list[dict[str, Any]] = []

    def there() -> bool:
        rows[:] = mesh.query(f"{sql} order by what")
        return len(rows) >= count

    mesh.wait_for(there, f"{count} rows that begin with {prefix}", within_s=60)
    return rows


def ended(process: subprocess.Popen[str]) -> str:
    """What it said until it ended by itself."""
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    return said


def wait_for_seen(tap: FaultyTap, count: int) -> None:
    until = time.monotonic() + 60
    while len(tap.seen) < count:
        assert time.monotonic() < until, tap.seen
        time.sleep(0.05)


def test_events_of_all_three_streams_land_those_of_the_shutdown_too(program: Path, mesh: RunningMesh, variables: dict[str, str]) -> None:
    with TelemetryApi() as api, started(program, api.address, **variables) as process:
        api.deliver([log("all-1 <&>"), report("all-2"), {**log("all-3"), "type": "extension"}])
        landed(mesh, "all-", 3)
        api.shutdown()
        api.deliver([report("all-4")])
        assert ended(process) == ""
    assert api.registered == [{"name": program.name, "events": ["SHUTDOWN"]}]
    assert api.subscription["types"] == ["platform", "function", "extension"]
    place = {"function": "checkout", "region": "eu-west-1", "log_group": "/aws/lambda/checkout"}
    found = [("function", "all-1 <&>"), ("platform.report", "all-2"), ("extension", "all-3"), ("platform.report", "all-4")]
    assert landed(mesh, "all-", 4) == [{"type": kind, "what": what, **place} for kind, what in found]


def test_whatever_the_tap_does_in_between_every_event_lands_once(
    program: Path, mesh: RunningMesh, tap: FaultyTap, variables: dict[str, str]
) -> None:
    for fault in ("503", "cut", "lose-reply", "401", "429", "500"):
        tap.on(fault, path=PATH)
    with TelemetryApi() as api, started(program, api.address, **variables) as process:
        api.deliver([report(f"once-{number}") for number in range(5)])
        wait_for_seen(tap, 3)
        tap.down()
        api.deliver([report(f"once-{number}") for number in range(5, 10)])
        time.sleep(0.5)
        tap.up()
        rows = landed(mesh, "once-", 10)
        api.shutdown()
        said = ended(process)
    assert [row["what"] for row in rows] == [f"once-{number}" for number in range(10)]
    assert [one.became for one in tap.seen if one.became != "200"] == ["503", "cut", "lose-reply", "401", "429", "500"]
    assert (said.count("trying again"), said.count("takes events again")) == (1, 1)


def test_a_shutdown_ends_in_time_although_the_tap_does_not_answer(
    program: Path, mesh: RunningMesh, tap: FaultyTap, variables: dict[str, str]
) -> None:
    tap.on("delay", None, path=PATH, seconds=15)
    with TelemetryApi() as api, started(program, api.address, **variables) as process:
        api.deliver([report("late-1"), report("late-2")])
        mesh.wait_for(lambda: tap.held > 0, "the tap to be asked")
        began = time.monotonic()
        api.shutdown(within_s=2)
        said = ended(process)
    assert time.monotonic() - began < 12  # not 15; this process may be slow to hear of the end
    assert "2 events could not be sent before the end: Post" in said


def test_an_answer_that_a_freeze_took_away_is_asked_for_again_at_the_end(
    program: Path, mesh: RunningMesh, tap: FaultyTap, variables: dict[str, str]
) -> None:
    tap.on("delay", 1, path=PATH, seconds=15)
    with TelemetryApi() as api, started(program, api.address, **variables) as process:
        api.deliver([report("frozen-1")])
        mesh.wait_for(lambda: tap.held > 0, "the tap to be asked")
        api.shutdown(within_s=5)
        ended(process)
    assert [row["what"] for row in landed(mesh, "frozen-", 1)] == ["frozen-1"]


def test_what_does_not_fit_in_memory_is_told_by_count(program: Path, mesh: RunningMesh, tap: FaultyTap, variables: dict[str, str]) -> None:
    tap.down()
    with TelemetryApi() as api, started(program, api.address, **variables) as process:
        api.deliver([log(f"full-{number:03}" + "x" * 100_000) for number in range(100)])
        tap.up()
        count = "select count(*) filter (message like 'full-%') as kept, sum((record ->> 'droppedRecords')::integer) as dropped"
        both = f"{count} from lambda_telemetry where message like 'full-%' or type = 'tapmesh.dropped'"
        mesh.wait_for(lambda: sum(value or 0 for value in mesh.query(both)[0].values()) == 100, "100 kept or told of", within_s=60)
        kept, dropped = mesh.query(both)[0].values()
        api.shutdown()
        ended(process)
    assert (kept, dropped) == (83, 17)


class Misled(ThreadingHTTPServer):
    """Sends on to `elsewhere`, then answers as a web page does, then as a tap. `asked`: method, key and token of each request."""

    def __init__(self, elsewhere: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Misleading)
        self.asked: list[tuple[str, str | None, str | None]] = []
        moved = [(status, {"location": elsewhere}, b"") for status in (302, 307)]
        self.answers = [*moved, (200, {}, b"<!doctype html>"), (200, {}, b'{"ok": true}')] if elsewhere else []
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class _Misleading(BaseHTTPRequestHandler):
    server: Misled

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.asked.append((self.command, self.headers["idempotency-key"], self.headers["x-bd-authorization"]))
        status, headers, body = self.server.answers.pop(0) if self.server.answers else (200, {}, b'{"statusCode":200,"accepted":1}')
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST

    def log_message(self, *_: object) -> None:
        pass


def test_only_a_tap_takes_events_and_no_other_host_sees_the_token(program: Path) -> None:
    """A redirect, followed, would be a GET that any page answers with 200, or show the token to whoever it names."""
    other = Misled()
    with (
        Misled(other.url) as tap,
        TelemetryApi() as api,
        started(program, api.address, TAPMESH_TELEMETRY_URL=tap.url, TAPMESH_TELEMETRY_TOKEN="token\n") as process,
    ):
        api.deliver([report("moved-1")])
        until = time.monotonic() + 30
        while len(tap.asked) < 5 and time.monotonic() < until:
            time.sleep(0.05)
        api.shutdown()
        said = ended(process)
        tap.shutdown()
    other.shutdown()
    other.server_close()
    (first, *again), strangers = tap.asked, other.asked
    assert (first[0], first[2], again, strangers) == ("POST", "token", [first] * 4, [])
    assert ("the tap answered 302; trying again" in said, said.count("takes events again")) == (True, 1)


def test_empty_lines_do_not_fill_the_functions_memory(program: Path, tap: FaultyTap, variables: dict[str, str]) -> None:
    tap.down()
    with TelemetryApi() as api, started(program, api.address, **variables) as process:
        api.deliver([log("")] * 200_000)
        status = Path(f"/proc/{process.pid}/status").read_text()
        api.shutdown()
        said = ended(process)
    held_mb = int(status.partition("VmRSS:")[2].split()[0]) / 1000
    assert ("events could not be sent before the end" in said, held_mb < 40) == (True, True), (held_mb, said)


def test_without_a_url_or_a_telemetry_api_it_says_so_and_lets_the_function_live(program: Path, variables: dict[str, str]) -> None:
    with TelemetryApi() as api, started(program, api.address) as process:
        api.shutdown()
        assert "TAPMESH_TELEMETRY_URL is not set, so nothing is sent" in ended(process)
    with TelemetryApi(available=False) as api, started(program, api.address, **variables) as process:
        api.shutdown()
        assert "the Telemetry API is not there" in ended(process)


def test_the_binary_is_static_and_small(program: Path) -> None:
    assert "statically linked" in subprocess.run(["file", str(program)], capture_output=True, text=True).stdout
    assert program.stat().st_size < 10_000_000
