"""The steward wakes who should land a batch, reports what is lost, and does nothing about what is young."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from tap_runtime import lake
from tap_runtime.steward import Steward
from tests.tap_runtime.emf import extracted
from tests.tap_runtime.faults import FaultyStore
from tests.tap_runtime.local_tap import LocalTap, column, settings


def flushes(number: int) -> list[tuple[str, dict[str, Any]]]:
    """As many, each held until the last of them has come."""
    return [("acme-dev-clicks", {"tapmesh": "flush", "hold_ms": 300 + 50 * number})] * number


class Watched:
    """A tap, its steward, and what the steward invoked and said."""

    def __init__(self, root: Path, **more: Any) -> None:
        self.tap = LocalTap(root, settings((column("id", "VARCHAR"),), freshness_s=300, **more))
        self.invoked: list[tuple[str, dict[str, Any]]] = []
        self.lines: list[dict[str, Any]] = []
        self.metrics: list[dict[str, float]] = []
        self.gone = False
        self.steward = Steward(self.tap.store, "acme-dev-", self.invoke, lambda: self.tap.now, self.say)

    def invoke(self, function: str, event: bytes) -> None:
        """Of a function that is gone, Lambda's error."""
        if self.gone:
            raise LookupError(function)
        self.invoked.append((function, json.loads(event)))

    def say(self, line: str) -> None:
        """A log line, and the mesh's metrics that CloudWatch makes of it."""
        self.lines.append(json.loads(line))
        if "_aws" in self.lines[-1]:
            found = extracted(line)
            assert {dimensions for _, _, dimensions in found} == {(("mesh", "acme-dev"),)}
            self.metrics.append({name: value for (_, name, _), (value, _) in found.items()})

    def after(self, **passed: int) -> list[tuple[str, dict[str, Any]]]:
        """What one look after so much time invokes."""
        self.invoked.clear()
        self.tap.now += dt.timedelta(**passed)
        self.steward.look()
        return list(self.invoked)

    @property
    def batch(self) -> str:
        """The one that is marked open."""
        (entry,) = self.tap.store.list(lake.OPEN)
        return entry.key.rpartition("/")[2]

    @property
    def lost(self) -> list[str]:
        """Batches reported lost."""
        return [entry.key.rpartition("/")[2] for entry in self.tap.store.list("_mesh/lost/")]

    @property
    def report(self) -> dict[str, Any]:
        """What is said of the one that is marked open."""
        report: dict[str, Any] = json.loads(self.tap.store.get(lake.lost_key("clicks", self.batch)) or b"")
        return report


def test_what_is_young_is_left_alone(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.tap.post(b'{"id":"a"}')
    assert watched.after(seconds=299) == []
    assert watched.metrics == [{"oldest_open": 299, "overdue": 0, "lost": 0}]
    assert [(line["event"], line["open"], line["stale"]) for line in watched.lines] == [("looked", 1, 0)]


def test_a_mesh_with_nothing_open_costs_no_metric(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    assert (watched.after(seconds=60), watched.lines) == ([], [])


def test_a_silent_environment_is_flushed_and_a_stored_batch_landed_by_anyone(tmp_path: Path) -> None:
    buffered, stored = Watched(tmp_path / "b"), Watched(tmp_path / "s", ack="stored")
    for watched in (buffered, stored):
        watched.tap.post(b'{"id":"a"}')
    assert buffered.after(seconds=301) == flushes(2)
    assert stored.after(seconds=301) == [("acme-dev-clicks", {"tapmesh": "land", "batch": stored.batch})]


def test_what_anyone_could_land_is_overdue_and_what_only_sleeps_is_not(tmp_path: Path) -> None:
    buffered, stored = Watched(tmp_path / "b"), Watched(tmp_path / "s", ack="stored")
    for watched in (buffered, stored):
        watched.tap.post(b'{"id":"a"}')
        watched.after(seconds=1000)
    assert [(one["overdue"], one["oldest_open"]) for one in (*buffered.metrics, *stored.metrics)] == [(0, 1000), (700, 1000)]


def test_the_mesh_has_the_sum_of_what_is_lost_and_the_oldest_of_what_is_open_and_each_tap_a_line(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.tap.post(b'{"id":"a"}')
    marker, batch = watched.tap.store.get(lake.marker_key("clicks", watched.batch)) or b"", watched.batch
    for tap, age_s in (("moves", 900), ("views", 0)):
        other = lake.new_batch(watched.tap.now - dt.timedelta(seconds=age_s), bytes)
        watched.tap.store.put(lake.marker_key(tap, other), marker)
    assert watched.tap.store.get(lake.marker_key("clicks", batch)) is not None
    watched.after(seconds=299)
    assert watched.metrics == [{"oldest_open": 1199, "overdue": 0, "lost": 1}]
    told = {"event": "stale", "tap": "moves", "open": 1, "stale": 1, "oldest_open": 1199, "overdue": 0, "lost": 1}
    assert watched.lines[0] == told
    assert [(line["event"], line["open"], line["stale"]) for line in watched.lines[1:]] == [("looked", 3, 1)]


def test_what_is_lost_counts_though_the_tap_has_no_function_any_more(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.gone = True
    watched.tap.post(b'{"id":"a"}')
    with pytest.raises(RuntimeError, match="1 of 1 taps could not be looked at, or called"):
        watched.after(seconds=421)
    assert watched.lines[-1] == {"event": "not_called", "tap": "clicks", "code": "LookupError"}
    assert watched.metrics == [{"oldest_open": 421, "overdue": 0, "lost": 1}]


def test_flushes_leave_half_of_the_concurrency_to_senders(tmp_path: Path) -> None:
    watched = Watched(tmp_path, concurrency=6)
    for _ in range(10):
        watched.tap.post(b'{"id":"a"}')
        watched.tap.acceptor.leave()
    assert watched.after(seconds=301) == flushes(3)


def test_flushes_double_each_minute_for_six(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.tap.post(b'{"id":"a"}')
    assert [len(watched.after(seconds=seconds)) for seconds in (301, 60, 60, 60, 60, 60, 60)] == [2, 4, 8, 16, 32, 50, 2]


def test_a_look_calls_for_every_tap_that_is_easily_done_and_ends_in_time(tmp_path: Path) -> None:
    watched = Watched(tmp_path, ack="stored")
    watched.tap.post(b'{"id":"a"}')
    marker = watched.tap.store.get(lake.marker_key("clicks", watched.batch)) or b""
    for number in range(600):
        batch = lake.new_batch(watched.tap.now, lambda size, number=number: number.to_bytes(size))
        watched.tap.store.put(lake.marker_key("a_crowd", batch), marker)
    called = [function for function, _ in watched.after(seconds=301)]
    assert (called[0], called[1:]) == ("acme-dev-clicks", ["acme-dev-a_crowd"] * 499)


def test_a_batch_nobody_landed_is_reported_once_and_withdrawn_when_it_lands(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.tap.post(b'{"id":"a"}')
    assert watched.after(seconds=419) == flushes(4)
    assert watched.lost == []
    for _ in range(2):
        watched.after(seconds=2)
    assert watched.lost == [watched.batch]
    assert [one["lost"] for one in watched.metrics] == [0, 1, 0]
    report = watched.report
    assert (report["at_most"], report["or_the_spool_limit"]) == ({"requests": 64, "records": 16384, "bytes": 2000000}, True)
    assert watched.tap.land().counts.rows == 1


def test_what_an_environment_takes_after_its_batch_was_reported_is_in_the_report_too(tmp_path: Path) -> None:
    """Frozen past freshness, thawed by a request of many records, gone before it had landed them."""
    watched = Watched(tmp_path)
    watched.tap.post(b'{"id":"a"}')
    watched.after(seconds=421)
    before = watched.report
    assert watched.tap.post(b'{"id":"b"}\n' * 50_000).taken == (200, 50_000, 0)
    watched.after(seconds=60)
    after = watched.report
    assert after["at_most"]["records"] >= 50_001
    assert after == before | {"at_most": after["at_most"]}
    assert [one["lost"] for one in watched.metrics] == [1, 0]


@pytest.mark.parametrize("call", range(8))
def test_a_loss_counts_though_the_reply_to_its_report_was_lost(tmp_path: Path, call: int) -> None:
    watched = Watched(tmp_path)
    watched.tap.post(b'{"id":"a"}')
    store = FaultyStore(watched.tap.store, "lost-reply", call)
    watched.steward = Steward(store, "acme-dev-", watched.invoke, lambda: watched.tap.now, watched.say)
    for seconds in (421, 60):
        watched.after(seconds=seconds)
    assert [one["lost"] for one in watched.metrics] == [1, 0]


@pytest.mark.parametrize("hours", [2, 25])
def test_the_lost_are_not_called_for_ever(tmp_path: Path, hours: int) -> None:
    watched = Watched(tmp_path)
    watched.tap.post(b'{"id":"a"}')
    assert watched.after(hours=hours) == []
    assert len(watched.lost) == 1
    assert len(list(watched.tap.store.list(lake.OPEN))) == (hours == 2)


def test_a_batch_that_landed_but_is_still_marked_is_cleaned_by_anyone(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.tap.post(b'{"id":"a"}')
    marker = watched.tap.store.get(lake.marker_key("clicks", watched.batch))
    batch = watched.batch
    watched.tap.land()
    watched.tap.store.put(lake.marker_key("clicks", batch), marker or b"")
    assert watched.after(hours=1) == [("acme-dev-clicks", {"tapmesh": "land", "batch": batch})]
    assert watched.lost == []


def test_a_tap_that_cannot_be_looked_at_hides_no_other(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.tap.post(b'{"id":"a"}')
    watched.tap.store.put(lake.marker_key("a_tap_before", watched.batch), b"{")
    watched.tap.store.put(f"{lake.OPEN}clicks/a stranger's", b"")
    with pytest.raises(RuntimeError, match="1 of 2 taps could not be looked at"):
        watched.after(seconds=301)
    assert watched.invoked == flushes(2)
    assert {"event": "not_looked_at", "tap": "a_tap_before", "code": "Broken"} in watched.lines
