"""The accounting finds what breaks the promise, so that its silence means something."""

import datetime as dt
from collections import Counter

import pytest

from tap_runtime.lake import new_batch
from tap_runtime.marker import Bound
from tap_runtime.steward import Lost
from tests.emulated.account import Account, account, wrongs
from tests.emulated.landed import Landed
from tests.emulated.senders import Sent

NOW = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)
BATCH = new_batch(NOW, bytes)


def sent(sends: int = 1) -> Sent:
    return Sent("clicks.0.0", sends, BATCH, "environment-1")


def landed(lines: int, reported: int | None = None, left: tuple[str, ...] = ()) -> Landed:
    """So many of the request's four lines are there; a report of a loss of at most so many."""
    bound = Bound(1, reported or 0, 1000)
    lost = {} if reported is None else {BATCH: Lost(tap="clicks", batch=BATCH, reported_at=NOW, at_most=bound)}
    there = [*sent().good, sent().bad][:lines]
    return Landed(Counter(there[:3]), Counter(there[3:]), (), lost, left)


@pytest.mark.parametrize(
    ("there", "may_lose", "found"),
    [
        (landed(4), (), []),
        (landed(4, left=(f"_mesh/open/clicks/{BATCH}",)), (), [f"_mesh/open/clicks/{BATCH} was left"]),
        (landed(0, reported=4), ("environment-1",), []),
        (landed(0, reported=4), (), [f"clicks.0.0 is lost, which environment-1 acknowledged in {BATCH}"]),
        (landed(0), ("environment-1",), [f"of {BATCH} {{'requests': 1, 'records': 4}} are lost and not reported"]),
        (
            landed(0, reported=3),
            ("environment-1",),
            [f"of {BATCH} {{'requests': 1, 'records': 4}} are lost and at most {Bound(1, 3, 1000)} reported"],
        ),
    ],
)
def test_what_is_lost_must_be_allowed_and_reported(there: Landed, may_lose: tuple[str, ...], found: list[str]) -> None:
    assert list(wrongs([sent()], there, may_lose)) == found


@pytest.mark.parametrize(("sends", "keyed", "duplicated"), [(1, False, 3), (2, True, 3), (2, False, 0)])
def test_twice_is_doubled_unless_it_was_sent_twice_without_a_key(sends: int, keyed: bool, duplicated: int) -> None:
    there = landed(4)
    twice = Landed(there.rows + there.rows, there.quarantined, (), {}, ())
    assert account("clicks", [sent(sends)], twice, 60, keyed) == Account("clicks", 4, 4, 6, 1, 0, 0, duplicated)
