"""The steward wakes who should land a batch, reports what is lost, and does nothing about what is young."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from tap_runtime import lake
from tap_runtime.steward import Steward
from tests.tap_runtime.local_tap import LocalTap, column, settings

FLUSH = ("acme-dev-clicks", {"tapmesh": "flush"})


class Watched:
    """A tap, its steward, and what the steward invoked and said."""

    def __init__(self, root: Path, **more: Any) -> None:
        self.tap = LocalTap(root, settings((column("id", "VARCHAR"),), freshness_s=300, **more))
        self.invoked: list[tuple[str, dict[str, str]]] = []
        self.lines: list[dict[str, Any]] = []
        self.steward = Steward(
            self.tap.store,
            "acme-dev-",
            lambda function, event: self.invoked.append((function, json.loads(event))),
            lambda: self.tap.now,
            lambda line: self.lines.append(json.loads(line)),
        )

    def after(self, **passed: int) -> list[tuple[str, dict[str, str]]]:
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


def test_what_is_young_is_left_alone(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.tap.post(b'{"id":"a"}')
    assert watched.after(seconds=299) == []
    assert [(line["function"], line["oldest_open"], line["lost"]) for line in watched.lines] == [("acme-dev-clicks", 299, 0)]


def test_a_silent_environment_is_flushed_and_a_stored_batch_landed_by_anyone(tmp_path: Path) -> None:
    buffered, stored = Watched(tmp_path / "b"), Watched(tmp_path / "s", ack="stored")
    for watched in (buffered, stored):
        watched.tap.post(b'{"id":"a"}')
    assert buffered.after(seconds=301) == [FLUSH, FLUSH]
    assert stored.after(seconds=301) == [("acme-dev-clicks", {"tapmesh": "land", "batch": stored.batch})]


def test_what_anyone_could_land_is_overdue_and_what_only_sleeps_is_not(tmp_path: Path) -> None:
    buffered, stored = Watched(tmp_path / "b"), Watched(tmp_path / "s", ack="stored")
    for watched in (buffered, stored):
        watched.tap.post(b'{"id":"a"}')
        watched.after(seconds=1000)
    assert [(line["overdue"], line["oldest_open"]) for watched in (buffered, stored) for line in watched.lines] == [(0, 1000), (700, 1000)]


def test_flushes_leave_half_of_the_concurrency_to_senders(tmp_path: Path) -> None:
    watched = Watched(tmp_path, concurrency=6)
    for _ in range(10):
        watched.tap.post(b'{"id":"a"}')
        watched.tap.acceptor.leave()
    assert watched.after(seconds=301) == [FLUSH] * 3


def test_a_batch_nobody_landed_is_reported_once_and_withdrawn_when_it_lands(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.tap.post(b'{"id":"a"}')
    assert watched.after(seconds=419) == [FLUSH, FLUSH]
    assert watched.lost == []
    for _ in range(2):
        watched.after(seconds=2)
    assert watched.lost == [watched.batch]
    assert [line["lost"] for line in watched.lines] == [0, 1, 0]
    report = json.loads(watched.tap.store.get(lake.lost_key("clicks", watched.batch)) or b"")
    assert (report["at_most"], report["or_the_spool_limit"]) == ({"requests": 64, "records": 16384, "bytes": 2000000}, True)
    assert watched.tap.land().counts.rows == 1


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
    assert watched.invoked == [FLUSH, FLUSH]
    assert [(line["event"], line.get("tap"), line.get("code")) for line in watched.lines if line["event"] == "failed"] == [
        ("failed", "a_tap_before", "Broken")
    ]
