"""Handler and lander of one environment: what is acknowledged lands, is saved at SHUTDOWN, or waits."""

import datetime as dt
import json
import shutil
import time
from pathlib import Path

import pytest

from tap_runtime import lake
from tap_runtime.decide import MOST_SEGMENTS
from tap_runtime.errors import Broken
from tap_runtime.lander import TapLander, Where
from tap_runtime.link import Done
from tests.tap_runtime.environment import COLUMNS, Environment, event
from tests.tap_runtime.local_tap import LocalTap, settings


def test_a_batch_lands_with_the_request_that_fills_its_age(environment: Environment) -> None:
    assert json.loads(environment.post('{"id":"a"}')["body"])["accepted"] == 1
    assert environment.markers() and not environment.lines
    environment.tap.now += dt.timedelta(seconds=61)
    environment.post('{"id":"b"}')
    assert environment.tap.rows("select id from events_out order by id") == [("a",), ("b",)]
    assert environment.markers() == []
    said = [(line["event"], line["records"], line["late"], line["mesh"], line["tap"]) for line in environment.lines]
    assert said == [("landed", 2, 0, "acme-dev", "clicks")]


def test_a_stored_batch_lands_before_its_segments_are_too_many_to_land_in_time(tmp_path: Path) -> None:
    environment = Environment(tmp_path, ack="stored")
    answers = [environment.invoke(event(f'{{"id":"{number}"}}', {"idempotency-key": str(number)})) for number in range(MOST_SEGMENTS + 1)]
    assert {answer["statusCode"] for answer in answers} == {200}
    assert [line["records"] for line in environment.lines] == [MOST_SEGMENTS]
    environment.invoke({"tapmesh": "flush"})
    assert [line["records"] for line in environment.lines] == [MOST_SEGMENTS, 1]


def test_a_flush_lands_what_is_open(environment: Environment) -> None:
    environment.post('{"id":"a"}')
    assert environment.invoke({"tapmesh": "flush"}) == {"statusCode": 200}
    assert environment.tap.rows("select id from events_out") == [("a",)]
    assert environment.invoke({"tapmesh": "flush"}) == {"statusCode": 200}


@pytest.mark.parametrize("waits_s", [0, 61])
def test_a_batch_whose_marker_came_late_is_not_reported_lost(tmp_path: Path, waits_s: int) -> None:
    """The lake was slower than anyone waited, and put the marker after all; nothing was acknowledged."""
    environment = Environment(tmp_path, ack="buffered")
    environment.faults.fail_in(0, "down-after")
    assert environment.post('{"id":"a"}')["statusCode"] == 503
    environment.faults.fail_in(0, "")
    assert len(environment.markers()) == 1
    if waits_s:
        environment.tap.now += dt.timedelta(seconds=waits_s)
        assert environment.post('{"id":"b"}')["statusCode"] == 200
    environment.invoke({"tapmesh": "flush"})
    assert environment.markers() == []
    assert not list((environment.tap.root / "spool").rglob("data.ndjson"))


def test_shutdown_saves_what_is_open_and_anybody_lands_it(environment: Environment, tmp_path: Path) -> None:
    environment.post('{"id":"a"}\n{"id":1}')
    environment.lander.save()
    assert not list((environment.tap.root / "spool").rglob("data.ndjson"))
    (batch,) = environment.markers()
    environment.invoke({"tapmesh": "land", "batch": batch})
    assert environment.tap.rows("select id from events_out") == [("a",)]
    assert environment.tap.reasons() == ["$.id: expected VARCHAR, got a number"]
    assert environment.markers() == []
    assert [entry.key.rpartition("/")[2] for entry in environment.tap.store.list("_mesh/stored/")] == ["00000001"]


@pytest.mark.parametrize("fault", ["down-before", "down-after", "lost-reply"])
@pytest.mark.parametrize("call", range(3))
@pytest.mark.parametrize("vanishes", [False, True])
def test_a_save_that_is_cut_off_anywhere_loses_and_doubles_nothing(tmp_path: Path, fault: str, call: int, vanishes: bool) -> None:
    """Segment, SEAL: then the environment starts again, or never does and another lands what is in the lake."""
    environment = Environment(tmp_path, ack="buffered")
    environment.post('{"id":"a"}')
    environment.faults.fail_in(call, fault)
    environment.lander.save()
    environment.faults.fail_in(0, "")
    (batch,) = environment.markers()
    if vanishes and not list(environment.tap.store.list(lake.stored_prefix("clicks", batch))):
        return  # nothing reached the lake: it is the steward's to report
    if vanishes:
        shutil.rmtree(environment.tap.root / "spool")
    environment.lander.land(time.time() + 60)
    environment.invoke({"tapmesh": "land", "batch": batch})
    assert environment.tap.rows("select id from events_out") == [("a",)]
    assert environment.markers() == []
    assert [entry.key.rpartition("/")[2] for entry in environment.tap.store.list("_mesh/stored/")] in ([], ["00000001"])


@pytest.mark.parametrize("gone", ["settings", "manifest"])
def test_a_batch_that_cannot_land_holds_up_no_other(environment: Environment, gone: str) -> None:
    """Its settings are not in the lake any more; or somebody has put something else where its manifest goes."""
    environment.post('{"id":"a"}')
    (stuck,) = environment.markers()
    body = environment.tap.store.get(environment.settings_key) or b""
    if gone == "settings":
        environment.tap.store.delete([environment.settings_key])
    else:
        environment.tap.store.put(lake.manifest_key("clicks", stuck), b"{")
    environment.invoke({"tapmesh": "flush"})
    assert (environment.markers(), environment.lines[-1]["event"]) == ([stuck], "failed")
    environment.tap.store.put(environment.settings_key, body)
    environment.tap.now += dt.timedelta(seconds=0.1)  # the stuck one waits longer until it is tried again
    environment.post('{"id":"b"}')
    environment.invoke({"tapmesh": "flush"})
    assert environment.tap.rows("select id from events_out") == [("b",)]
    assert environment.markers() == [stuck]


def test_a_committed_batch_is_cleaned_though_its_settings_are_gone(environment: Environment) -> None:
    environment.post('{"id":"a"}')
    (batch,) = environment.markers()
    marker = environment.tap.store.get(lake.marker_key("clicks", batch)) or b""
    environment.invoke({"tapmesh": "flush"})
    environment.tap.store.put(lake.marker_key("clicks", batch), marker)
    environment.tap.store.delete([environment.settings_key])
    other = TapLander(Where("clicks", "acme-dev", 128), environment.tap.lander(), lambda line: environment.lines.append(json.loads(line)))
    other.take(Done("r", stored=(batch,)))
    other.land(time.time() + 60)
    assert environment.markers() == []
    assert [(line["event"], line.get("late")) for line in environment.lines] == [("landed", 0), ("landed", 0)]


@pytest.mark.parametrize("step", ["committed", "published"])
def test_shutdown_publishes_what_is_committed_and_leaves_no_raw_lines_in_the_lake(tmp_path: Path, step: str) -> None:
    environment = Environment(tmp_path, ack="buffered")
    failing = [step]

    def fail_once(done: str) -> None:
        if done in failing:
            failing.remove(done)
            environment.faults.fail_in(0, "down-before")

    lander = environment.tap.lander(fail_once)
    environment.lander = TapLander(Where("clicks", "acme-dev-clicks", 128), lander, lambda line: environment.lines.append(json.loads(line)))
    environment.post('{"id":"a"}')
    environment.invoke({"tapmesh": "flush"})
    assert [line["event"] for line in environment.lines] == ["failed"]
    environment.lander.save()
    assert environment.markers() == []
    assert environment.tap.rows("select id from events_out") == [("a",)]
    assert not [entry.key for entry in environment.tap.store.list("_mesh/") if entry.key.startswith(("_mesh/stored/", "_mesh/staged/"))]


def test_a_batch_of_which_a_segment_is_missing_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    tap = LocalTap(tmp_path, settings(COLUMNS, ack="stored"))
    for name in "abc":
        tap.post(f'{{"id":"{name}"}}'.encode())
    ((_, batch),) = lake.open_batches(tap.store)
    second = lake.segment_key("clicks", batch, 1)
    body = tap.store.get(second) or b""
    tap.store.delete([second])
    with pytest.raises(Broken, match="some are missing; put them back"):
        tap.lander().land_stored("clicks", batch)
    tap.store.put(second, body)
    assert tap.land().counts.rows == 3


def test_another_environment_leaves_a_buffered_batch_alone_that_it_cannot_see(tmp_path: Path) -> None:
    environment = Environment(tmp_path, ack="buffered")
    environment.post('{"id":"a"}')
    (batch,) = environment.markers()
    other = Environment(tmp_path / "other", ack="buffered")
    other.tap.store.put(lake.marker_key("clicks", batch), environment.tap.store.get(lake.marker_key("clicks", batch)))
    other.invoke({"tapmesh": "land", "batch": batch})
    assert other.markers() == [batch]
    assert not list(other.tap.store.list("_mesh/landed/"))
