"""Handler and lander of one environment, joined by their socket: what is acknowledged lands, is saved at SHUTDOWN, or waits."""

import datetime as dt
import json
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest

from tap_runtime import lake
from tap_runtime.decide import MOST_SEGMENTS
from tap_runtime.errors import LakeDown
from tap_runtime.extension import Event
from tap_runtime.lander import TapLander, Where, invocation
from tap_runtime.link import Done, LinkedStore, LinkServer
from tap_runtime.store import folder_store
from tests.tap_runtime.environment import Environment, Scripted, event
from tests.tap_runtime.faults import FaultyStore


@pytest.fixture(params=["buffered", "stored"])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> Environment:
    """One of each way of acknowledging."""
    return Environment(tmp_path, ack=request.param)


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


def test_another_environment_leaves_a_buffered_batch_alone_that_it_cannot_see(tmp_path: Path) -> None:
    environment = Environment(tmp_path, ack="buffered")
    environment.post('{"id":"a"}')
    (batch,) = environment.markers()
    other = Environment(tmp_path / "other", ack="buffered")
    other.tap.store.put(lake.marker_key("clicks", batch), environment.tap.store.get(lake.marker_key("clicks", batch)))
    other.invoke({"tapmesh": "land", "batch": batch})
    assert other.markers() == [batch]
    assert not list(other.tap.store.list("_mesh/landed/"))


def test_a_handler_that_answers_before_the_lander_hears_of_the_request_is_heard(environment: Environment) -> None:
    started = time.monotonic()
    event = {"requestContext": {"http": {"method": "POST"}}, "body": '{"id":"a"}'}
    if environment.tap.settings.ack == "buffered":
        environment.invoke(event)  # the first asks the lander for its marker, so the lander is there first
        environment.invoke(event, handler_first=True)
    environment.invoke({"tapmesh": "flush"}, handler_first=True)
    assert time.monotonic() - started < 4


def test_a_handler_that_goes_away_does_not_hold_the_lander(tmp_path: Path) -> None:
    environment = Environment(tmp_path, ack="buffered")
    environment.store.close()
    started = time.monotonic()
    invocation(Scripted(Event("INVOKE", int(1000 * (time.time() + 30)), "r1")), environment.link, environment.lander.take)
    assert time.monotonic() - started < 10


def test_the_answer_to_a_question_that_was_broken_off_is_not_taken_for_the_next_ones(tmp_path: Path) -> None:
    """Out of memory, say, while it waited: the request is our fault, and the environment takes the next."""

    class Slow(FaultyStore):
        def get(self, key: str) -> bytes | None:
            time.sleep(0.4)
            return b"late"

    class BrokenOff(Exception):
        pass

    def break_off(number: int, frame: object) -> None:
        raise BrokenOff("now")

    lake_side = folder_store(tmp_path / "lake")
    lake_side.put("there", b"by another")
    server = LinkServer(tmp_path / "s", Slow(lake_side, "", -1))
    until = time.time() + 20
    hearing = threading.Thread(target=lambda: [server.hear(None, until) for _ in range(2)])
    hearing.start()
    store = LinkedStore(tmp_path / "s", patience_s=2)
    before = signal.signal(signal.SIGALRM, break_off)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(BrokenOff, match="now"):
            store.get("slow")
    finally:
        signal.signal(signal.SIGALRM, before)
    with pytest.raises(LakeDown, match="cannot be reached"):
        store.put_new("there", b"mine")
    assert store.put_new("there", b"mine") is False
    store.close()
    hearing.join()


def test_without_a_lander_the_lake_is_down_and_with_one_again_it_is_not(tmp_path: Path) -> None:
    environment = Environment(tmp_path, ack="stored")
    assert environment.post('{"id":"a"}')["statusCode"] == 200
    environment.link.close()
    (tmp_path / "s").unlink()
    refused = environment.function.answer({"requestContext": {"http": {"method": "POST"}}, "body": '{"id":"a"}'}, "r", environment.tap.now)
    assert (refused["statusCode"], json.loads(refused["body"])["error"], refused["headers"]["retry-after"]) == (503, "lake_down", "5")
    environment.link = LinkServer(tmp_path / "s", environment.tap.store)
    environment.function.answer({"requestContext": {"http": {"method": "POST"}}, "body": '{"id":"a"}'}, "r", environment.tap.now)
    assert environment.post('{"id":"a"}')["statusCode"] == 200


def test_an_event_nobody_sends_is_our_fault_and_the_log_has_no_payload(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environment = Environment(tmp_path)
    answer = environment.function.answer({"requestContext": {"secret": 1}}, "r", environment.tap.now)
    assert (answer["statusCode"], json.loads(answer["body"])["error"]) == (500, "our_fault")
    assert json.loads(capsys.readouterr().out) == {"event": "our_fault", "tap": "clicks", "code": "KeyError"}


def test_bodies_come_in_base64_and_keys_in_the_query(tmp_path: Path) -> None:
    environment = Environment(tmp_path, ack="stored")
    event = {"requestContext": {"http": {"method": "POST"}}, "rawQueryString": "idempotency-key=k1"}
    event |= {"body": "eyJpZCI6ICLDvCJ9", "isBase64Encoded": True}
    first, again = environment.invoke(event), environment.invoke(event)
    assert json.loads(first["body"])["receipt"] == json.loads(again["body"])["receipt"]
    assert json.loads(again["body"])["duplicate"] is True
    environment.invoke({"tapmesh": "flush"})
    assert environment.tap.rows("select id from events_out") == [("ü",)]
