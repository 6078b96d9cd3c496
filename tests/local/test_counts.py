"""What the edge counts for the page."""

from mesh.local.live.counts import SECONDS, Counts, Rates, newest
from tap_runtime.errors import Refused
from tap_runtime.http import refusal, reply


def test_rates_are_of_the_last_whole_seconds() -> None:
    counts = Counts()
    for second in range(100, 105):
        for _ in range(4):
            counts.count(reply(200, {"accepted": 25}), second)
    counts.count(reply(200, {"accepted": 1000}), 105)  # not over yet
    assert counts.rates(105) == Rates(4, 100)
    assert counts.rates(107) == Rates(2.6, 260)
    assert counts.rates(111) == Rates(0, 0)
    assert (counts.requests, counts.records) == (21, 1500)


def test_a_second_is_forgotten_after_a_minute_and_an_idle_one_counts_as_nothing() -> None:
    counts = Counts()
    counts.count(reply(200, {"accepted": 7}), 100)
    counts.count(reply(200, {"accepted": 3}), 102)
    assert counts.records_in(range(99, 103)) == [0, 7, 0, 3]
    assert sum(counts.records_in(range(101, 100 + SECONDS))) == 3
    counts.count(reply(200, {"accepted": 5}), 100 + SECONDS)  # the slot of second 100, come round again
    assert counts.records_in(range(99 + SECONDS, 101 + SECONDS)) == [0, 5]


def test_refusals_are_kept_by_kind_newest_first_and_bounded() -> None:
    counts, elsewhere = Counts(), Counts()
    for number in range(40):
        counts.count(refusal(Refused(413, "too_large", f"the body has {number} bytes", "send less")))
    for _ in range(3):
        counts.count(refusal(Refused(401, "no_token", "no token", "send one")))
    elsewhere.count(refusal(Refused(404, "no_such_tap", "there is no such tap", "the taps here: clicks")))
    kept = newest(counts, elsewhere)
    assert [(refusal.status, refusal.times) for refusal in kept[:3]] == [(404, 1), (401, 3), (413, 1)]
    assert kept[0].hint == "the taps here: clicks"
    assert len(counts.refusals()) == 12
    assert counts.requests == 0
