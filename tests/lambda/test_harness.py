"""The harness tells the truth: a trivial function and extension meet everything that Lambda does to larger ones."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.emulated.deployed import Deployed
from tests.emulated.environment import Environment
from tests.emulated.fleet import Fleet, MakeFleet
from tests.emulated.highwater import high_water
from tests.emulated.leftovers import left_behind
from tests.emulated.outcome import Outcome
from tests.emulated.trivial import trivial

Trivial = Callable[..., Fleet]


@pytest.fixture
def function(fleet: MakeFleet, tmp_path: Path) -> Trivial:
    """The trivial function with the given configuration."""
    code, layer = trivial(tmp_path)

    def make(variables: dict[str, str] | None = None, concurrency: int = 1000, **more: Any) -> Fleet:
        own = {"TRIVIAL": "yes", **(variables or {})}
        return fleet(Deployed("trivial", code, layer, own, "app.handler", **more), concurrency)

    return make


def do(fleet: Fleet, what: str) -> Outcome:
    return fleet.invoke({"do": what})


@contextmanager
def waiting(fleet: Fleet) -> Iterator[tuple[Environment, list[Outcome]]]:
    """A request that is being served while the block runs, in the newest environment, and what came of it in the end."""
    outcomes: list[Outcome] = []
    heard = {environment: len(events(environment)) for environment in fleet.environments}
    request = threading.Thread(target=lambda: outcomes.append(do(fleet, "wait")))
    request.start()
    while not (serving := [one for one in fleet.environments if len(events(one)) > heard.get(one, 0)]):
        time.sleep(0.01)
    yield serving[0], outcomes
    (serving[0].tmp / "go").touch()
    request.join()


def events(environment: Environment) -> list[dict[str, Any]]:
    file = environment.tmp / "events"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def counted(environment: Environment) -> int:
    return (environment.tmp / "count").stat().st_size


def test_a_request_reaches_the_handler_and_the_extension(function: Trivial) -> None:
    fleet = function()
    answer = fleet.post(b'{"x":1}', {"Content-Type": "application/json"})
    fleet.settle()
    assert (answer.status, answer.json()["body"], answer.json()["variable"]) == (200, '{"x":1}', "yes")
    (environment,) = fleet.environments
    assert answer.environment == environment.name
    assert [(event["eventType"], event["requestId"]) for event in events(environment)] == [("INVOKE", answer.json()["invocation"])]
    (report,) = environment.reports()
    assert report.request_id == answer.json()["invocation"]
    assert report.init_ms and report.runtime_ms and report.whole_ms and report.billed_ms
    assert report.init_ms + report.runtime_ms < report.whole_ms <= report.billed_ms


def test_the_sender_does_not_wait_for_the_extension_but_the_next_request_goes_elsewhere(function: Trivial) -> None:
    fleet = function({"WAIT_AT_INVOKE": "for go"})
    first, second = fleet.post(), fleet.post()
    assert first.environment != second.environment
    assert [environment.state for environment in fleet.environments] == ["busy", "busy"]
    for environment in fleet.environments:
        (environment.tmp / "go").touch()
    fleet.settle()
    assert fleet.post().environment == first.environment


def test_between_requests_nothing_runs_and_then_it_goes_on(function: Trivial) -> None:
    fleet = function()
    fleet.post()
    fleet.settle()
    (environment,) = fleet.environments
    frozen, used_s = counted(environment), environment.cpu().used_s
    time.sleep(0.2)
    assert (counted(environment), environment.cpu().used_s) == (frozen, used_s)
    do(fleet, "sleep=0.2")
    fleet.settle()
    assert counted(environment) > frozen
    assert fleet.environments == [environment]


def test_shutdown_reaches_the_extension_with_its_deadline(function: Trivial) -> None:
    fleet = function()
    fleet.post()
    fleet.settle()
    (environment,) = fleet.environments
    environment.shutdown()
    last = events(environment)[-1]
    assert last["eventType"] == "SHUTDOWN"
    assert 0 < last["deadlineMs"] - last["heard_ms"] <= 2000
    assert (environment.tmp / "done").exists()
    assert left_behind() == []


def test_an_extension_that_lingers_at_shutdown_is_killed(function: Trivial) -> None:
    fleet = function({"WAIT_AT_SHUTDOWN": "20"})
    fleet.post()
    fleet.settle()
    (environment,) = fleet.environments
    environment.shutdown()
    assert not (environment.tmp / "done").exists()


def test_a_frozen_environment_vanishes_without_a_word(function: Trivial) -> None:
    fleet = function()
    fleet.post()
    fleet.settle()
    (environment,) = fleet.environments
    environment.vanish()
    assert [event["eventType"] for event in events(environment)] == ["INVOKE"]
    assert left_behind() == []
    assert fleet.post().environment != environment.name


def test_a_serving_environment_vanishes_and_its_sender_sees_an_error(function: Trivial) -> None:
    fleet = function()
    with waiting(fleet) as (environment, outcomes):
        environment.vanish()
        assert left_behind() == []
    assert [(outcome.failed, outcome.lost) for outcome in outcomes] == [(True, True)]
    assert [event["eventType"] for event in events(environment)] == ["INVOKE"]


def test_two_environments_share_nothing(function: Trivial) -> None:
    fleet = function()
    with waiting(fleet) as (first, _):
        assert "mark" in json.loads(do(fleet, "mark").body)["tmp"]
    fleet.settle()
    assert "mark" not in json.loads(do(fleet, "").body)["tmp"]
    _, second = fleet.environments
    assert [(one.tmp / "mark").exists() for one in (first, second)] == [False, True]
    assert not Path("/tmp/mark").exists()


def test_too_much_memory_is_killed_seen_and_survived(function: Trivial) -> None:
    fleet = function(memory_mb=128)
    fleet.post()
    fleet.settle()
    (environment,) = fleet.environments
    before = environment.memory()
    assert before.oom_kills == 0
    assert before.anon + before.file <= before.peak < 64 * 1024 * 1024
    with high_water(environment) as mark:
        outcome = do(fleet, "eat")
    assert outcome.failed
    assert json.loads(outcome.body)["errorType"] == "Runtime.ExitError"
    fleet.settle()
    after = environment.memory()
    assert after.oom_kills == 1
    assert before.anon < mark.anonymous <= after.peak
    assert 120 * 1024 * 1024 < after.peak <= 128 * 1024 * 1024
    assert fleet.post().environment == environment.name


def test_its_cpu_is_the_share_its_memory_buys(function: Trivial) -> None:
    fleet = function(memory_mb=128)  # a fourteenth of a core, which a busy machine has for it too
    do(fleet, "")
    fleet.settle()
    (environment,) = fleet.environments
    before = environment.cpu()
    do(fleet, "burn")
    fleet.settle()
    after = environment.cpu()
    assert after.used_s - before.used_s >= 0.2
    assert after.throttled > before.throttled
    assert after.throttled_s > before.throttled_s


def test_what_fails_is_told_apart(function: Trivial) -> None:
    fleet = function(timeout_s=3, concurrency=1)
    assert json.loads(do(fleet, "fail").body)["errorMessage"] == "asked to fail"
    fleet.settle()
    assert fleet.post(query="do=fail").status == 502
    fleet.settle()
    timed_out = do(fleet, "sleep=20")
    assert (timed_out.failed, timed_out.lost, timed_out.body) == (True, False, b"Task timed out after 3.00 seconds")
    fleet.settle()
    assert fleet.post(bytes(5_000_000)).status == 413


def test_reserved_concurrency_is_a_ceiling(function: Trivial) -> None:
    fleet = function(concurrency=1)
    with waiting(fleet):
        assert fleet.post().status == 429
    fleet.settle()
    assert fleet.post().status == 200


def test_old_environments_get_no_request_after_a_deploy(function: Trivial, tmp_path: Path) -> None:
    fleet = function()
    old = fleet.post()
    fleet.settle()
    fleet.deploy(Deployed("trivial", tmp_path / "code", tmp_path / "layer", {"TRIVIAL": "new"}, "app.handler"))
    new = fleet.post()
    assert (old.json()["variable"], new.json()["variable"]) == ("yes", "new")
    assert [environment.state for environment in fleet.environments][0] == "idle"


@pytest.mark.parametrize("which", ["runtime", "extensions"])
def test_a_killed_process_costs_one_request_and_comes_back(function: Trivial, which: Any) -> None:
    fleet = function()
    fleet.post()
    fleet.settle()
    (environment,) = fleet.environments
    environment.kill(which)
    assert do(fleet, "sleep=0.2").failed
    fleet.settle()
    assert fleet.post().status == 200
    assert fleet.environments == [environment]


def test_a_small_tmp_fills_up(function: Trivial) -> None:
    fleet = function(tmp_mb=10)
    assert json.loads(do(fleet, "write").body) == "No space left on device"
