"""The socket between handler and lander: who hears what in which order, and what becomes of a question whose answer does not come."""

import datetime as dt
import json
import signal
import threading
import time
from pathlib import Path

import pytest

from tap_runtime.ask import LinkedStore
from tap_runtime.errors import LakeDown
from tap_runtime.extension import Event
from tap_runtime.hear import LinkServer
from tap_runtime.lander import invocation
from tap_runtime.store import folder_store
from tests.tap_runtime.environment import Environment, Scripted
from tests.tap_runtime.faults import FaultyStore


def test_a_handler_that_answers_before_the_lander_hears_of_the_request_is_heard(environment: Environment) -> None:
    started = time.monotonic()
    event = {"requestContext": {"http": {"method": "POST"}}, "body": '{"id":"a"}'}
    if environment.tap.settings.ack == "buffered":
        environment.invoke(event)  # the first asks the lander for its marker, so the lander is there first
        environment.invoke(event, handler_first=True)
    environment.invoke({"tapmesh": "flush"}, handler_first=True)
    assert time.monotonic() - started < 30  # not to the end of the request's minute


def test_a_handler_that_goes_away_does_not_hold_the_lander(tmp_path: Path) -> None:
    environment = Environment(tmp_path, ack="buffered")
    environment.store.close()
    started = time.monotonic()
    invocation(Scripted(Event("INVOKE", int(1000 * (time.time() + 30)), "r1")), environment.link, environment.lander.take)
    assert time.monotonic() - started < 10


def test_the_answer_to_a_question_that_was_broken_off_is_not_taken_for_the_next_ones(tmp_path: Path) -> None:
    """Out of memory, say, while it waited: the request is our fault, and the environment takes the next."""

    broken, asking = threading.Event(), threading.get_ident()

    class Slow(FaultyStore):
        def get(self, key: str) -> bytes | None:
            signal.pthread_kill(asking, signal.SIGUSR1)
            broken.wait(20)
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
    before = signal.signal(signal.SIGUSR1, break_off)
    try:
        with pytest.raises(BrokenOff, match="now"):
            store.get("slow")
    finally:
        signal.signal(signal.SIGUSR1, before)
        broken.set()
    with pytest.raises(LakeDown, match="cannot be reached"):
        store.put_new("there", b"mine")
    assert store.put_new("there", b"mine") is False
    store.close()
    hearing.join()


def test_after_a_question_that_was_broken_off_the_next_requests_are_taken_and_land(environment: Environment) -> None:
    """A batch that the lander did not hear of waited for SHUTDOWN, was reported lost meanwhile, and each request held the lander 2 s."""
    environment.post('{"id":"a"}')
    environment.store.close()  # as who was broken off does
    assert environment.invoke({"unknown": 1})["statusCode"] == 500
    environment.tap.now += dt.timedelta(seconds=61)
    assert [environment.post(f'{{"id":"{name}"}}')["statusCode"] for name in "bc"] == [200, 200]
    assert environment.tap.rows("select id from events_out order by id") == [("a",), ("b",)]
    environment.invoke({"tapmesh": "flush"})
    assert (len(environment.tap.rows("select id from events_out")), environment.markers()) == (3, [])


def test_a_batch_that_is_due_when_the_link_has_broken_lands_with_the_next_request(tmp_path: Path) -> None:
    environment = Environment(tmp_path, ack="buffered")
    environment.post('{"id":"a"}')
    environment.store.close()
    environment.tap.now += dt.timedelta(seconds=61)
    assert [environment.post(f'{{"id":"{name}"}}')["statusCode"] for name in "bc"] == [200, 200]
    assert environment.tap.rows("select id from events_out order by id") == [("a",), ("b",)]


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
