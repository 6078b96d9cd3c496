"""Twenty senders in one batch, some of them careless: nobody's bad line costs anybody a good one."""

import random

import pytest

from tap_runtime.segment import Tally
from tests.tap_runtime.local_tap import MakeTap
from tests.tap_runtime.signing import tap_with_tokens, token

BAD = ('{"user":7}', '{"x":1.5}', "oops", '{"x":1} {"x":2}', "[]", "\udcff", '{"x":99999999999}', '{"at":"?"}', "null", '{"user":"a"')


@pytest.mark.parametrize("ack", ["buffered", "stored"])
def test_each_senders_good_rows_land(make_tap: MakeTap, ack: str) -> None:
    senders = [f"sender{number}@acme" for number in range(20)]
    tap, private = tap_with_tokens(make_tap, senders, ack)
    generator = random.Random(1)
    expected, tallies = [], {sender: Tally(sender, 0, 0, 0) for sender in senders}
    for request in range(80):
        sender = senders[request % 20]
        lines, good = [], 0
        for line in range(generator.randrange(1, 100)):
            bad = generator.random() < 0.02 * (request % 20)
            lines.append(generator.choice(BAD) if bad else f'{{"user":"{sender}","x":{request * 1000 + line}}}')
            good += not bad
            expected += [] if bad else [(sender, sender, request * 1000 + line, request)]
        answer = tap.post("\n".join(lines).encode("utf-8", "surrogateescape"), x_bd_authorization=token(private, sub=sender))
        assert answer.taken == (200, good, len(lines) - good)
        tallies[sender] = tallies[sender].plus(Tally(sender, 1, good, len(lines) - good))
    manifest = tap.land()
    assert tap.rows('select _sender, "user", x, _request from events_out order by x') == expected
    assert manifest.senders == tuple(tallies.values())
    assert manifest.counts.quarantined == 0 and manifest.counts.refused == sum(entry["lines"] for entry in tap.quarantined())
