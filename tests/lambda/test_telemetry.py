"""The telemetry extension beside a function under Lambda's emulator: its place in the log, a freeze, SHUTDOWN; it holds nothing up."""

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.emulated.deployed import Deployed
from tests.emulated.fleet import Fleet, MakeFleet
from tests.emulated.telemetry import TelemetryApi
from tests.emulated.trivial import trivial
from tests.kits import extension
from tests.kits.extension import log, report
from tests.kits.faults import FaultyTap
from tests.local.conftest import RunningMesh

TAPS = """
version: 1
mesh: test
people: {lead: {email: lead@acme.example}}
teams: {growth: [lead]}
taps: {telemetry: {team: growth, public: true, ack: stored, thresholds: {age: 1s}, sql: "select record from events"}}
"""
Observed = Callable[[str], Fleet]


@pytest.fixture
def mesh(tmp_path: Path) -> Iterator[RunningMesh]:
    (tmp_path / "mesh").mkdir()
    running = RunningMesh(tmp_path / "mesh", TAPS)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def api() -> Iterator[TelemetryApi]:
    with TelemetryApi() as telemetry:
        yield telemetry


@pytest.fixture
def observed(fleet: MakeFleet, tmp_path: Path, api: TelemetryApi) -> Observed:
    """A trivial function with the extension as its layer; the emulator has no Telemetry API, so the extension finds ours before it."""
    code, layer = trivial(tmp_path)
    shutil.rmtree(layer / "extensions")
    (layer / "bin").mkdir()
    program = extension.built(layer / "bin")
    (layer / "extensions").mkdir()
    before = layer / "extensions" / program.name
    before.write_text(f'#!/bin/sh\nAWS_LAMBDA_RUNTIME_API="{api.address}/$AWS_LAMBDA_RUNTIME_API" exec /opt/bin/{program.name}\n')
    before.chmod(0o755)
    return lambda url: fleet(Deployed("checkout", code, layer, {"TRIVIAL": "yes", "TAPMESH_TELEMETRY_URL": url}, "app.handler"))


def test_events_land_with_their_place_in_the_log_those_before_a_freeze_at_the_shutdown(
    observed: Observed, api: TelemetryApi, mesh: RunningMesh
) -> None:
    function = observed(f"http://127.0.0.1:{mesh.port}/taps/telemetry")
    working = threading.Thread(target=lambda: function.invoke({"do": "wait"}))
    working.start()
    api.deliver([log("while it works")])
    mesh.wait_for(lambda: len(mesh.query("select record from telemetry")) == 1, "what was sent while the function worked")
    (function.environments[0].tmp / "go").touch()
    working.join()
    function.settle()
    working = threading.Thread(target=lambda: function.invoke({"do": "sleep=0.3"}))
    working.start()
    api.deliver([report("before a freeze")])
    working.join()
    function.settle()
    assert function.environments[0].shutdown() < 10
    mesh.wait_for(lambda: len(mesh.query("select record from telemetry")) == 2, "what was sent at the shutdown")
    place = "record.function as function, record.region as region, record.log_group as log_group, record.log_stream as log_stream"
    rows = mesh.query(f"select distinct {place} from (select record::json as record from telemetry)")
    expected = {"function": "checkout", "region": "us-east-1", "log_group": "/aws/lambda/Functions", "log_stream": "$LATEST"}
    assert rows == [expected], function.environments[0].logs()


def test_a_tap_that_does_not_answer_holds_neither_the_function_up_nor_its_shutdown(
    observed: Observed, api: TelemetryApi, mesh: RunningMesh
) -> None:
    tap = FaultyTap(f"http://127.0.0.1:{mesh.port}")
    tap.on("delay", None, seconds=30)
    function = observed(f"{tap.address}/taps/telemetry")
    first = threading.Thread(target=lambda: function.invoke({"do": "sleep=0.5"}))
    first.start()
    api.deliver([log(f"line {number}") for number in range(2000)])
    first.join()
    function.settle()
    for _ in range(3):
        assert not function.invoke({"do": "sleep=0.5"}).failed
        function.settle()
    environment = function.environments[0]
    assert environment.shutdown() < 10
    tap.down()
    waited_ms = [report.whole_ms - report.runtime_ms for report in environment.reports() if report.whole_ms and report.runtime_ms]
    assert len(waited_ms) == 4
    assert max(waited_ms) < 15_000, environment.reports()  # of the 30 s the tap takes
    assert "2000 events could not be sent before the end" in environment.logs()
