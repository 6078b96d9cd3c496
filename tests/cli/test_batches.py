"""Lines grouped into batches: nothing changed, nothing held back for long, nothing forgotten at the end."""

import itertools
import os
import tempfile
import threading
import time
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mesh.batches import BATCH_BYTES, BATCH_LINES, batches, seek_line
from mesh.kits.gathering import Gathering

LINES = st.sampled_from([b"\n", b"{}\n", b"x" * 700_000 + b"\n", b"y" * 1_100_000 + b"\n", b"\n" * BATCH_LINES])


def of(text: bytes) -> list[bytes]:
    """The batches of a file with this text."""
    with tempfile.TemporaryFile() as file:
        file.write(text)
        file.seek(0)
        return list(batches(file.fileno()))


@given(st.lists(st.sampled_from([b"\n", b"{}\n", b"{}\r\n", b"x" * 700_000, b"y" * 1_100_000 + b"\n", b"\n" * BATCH_LINES]), max_size=8))
def test_batches_are_the_text_in_whole_lines_within_bounds(parts: list[bytes]) -> None:
    text = b"".join(parts)
    found = of(text)
    assert b"".join(found) == text
    assert all(batch.endswith(b"\n") for batch in found[:-1])
    assert all(batch.count(b"\n") <= BATCH_LINES for batch in found)
    assert all(len(batch) <= BATCH_BYTES or batch.count(b"\n", 0, -1) == 0 for batch in found)


@given(st.lists(LINES, max_size=8), st.lists(LINES, max_size=3))
def test_a_file_that_grew_is_cut_as_before_up_to_its_last_batch(lines: list[bytes], more: list[bytes]) -> None:
    before = of(b"".join(lines))[:-1]
    assert of(b"".join(lines + more))[: len(before)] == before


def test_a_batch_is_as_full_as_it_may_be() -> None:
    line = b"x" * 99 + b"\n"
    assert [len(batch) for batch in of(line * 25_000)] == [BATCH_BYTES, BATCH_BYTES, 500_000]
    assert [batch.count(b"\n") for batch in of(b"\n" * 25_000)] == [BATCH_LINES, BATCH_LINES, 5_000]


def test_a_quiet_stream_holds_nothing_back() -> None:
    reading, writing = os.pipe()
    found = batches(reading, wait_s=0.05)
    os.write(writing, b"one\ntwo\nhal")
    assert next(found) == b"one\ntwo\n"
    os.write(writing, b"f\n")
    assert next(found) == b"half\n"
    os.write(writing, b"no end")
    os.close(writing)
    assert list(found) == [b"no end"]
    os.close(reading)


def test_a_trickle_that_never_pauses_is_sent_too(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    ended = threading.Event()

    def trickle() -> None:
        for number in itertools.takewhile(lambda _: not ended.is_set(), range(BATCH_LINES)):
            os.write(writing, b"%d\n" % number)
            time.sleep(0.01)
        os.close(writing)

    threading.Thread(target=trickle).start()
    batched = batches(reading, wait_s=0.2)
    found = [next(batched) for _ in range(4)]  # while more comes: the last line but one of them all is a minute away
    ended.set()
    found += batched
    os.close(reading)
    lines = b"".join(found).split()
    assert lines == [b"%d" % number for number in range(len(lines))]
    assert len(lines) < BATCH_LINES


def test_a_stop_lets_the_lines_that_were_read_be_the_last() -> None:
    reading, writing = os.pipe()
    stop, ask = os.pipe()
    os.write(writing, b"\n" * BATCH_LINES + b"one\ntwo\nhalf")
    found = batches(reading, wait_s=60, stop=stop)
    assert len(next(found)) == BATCH_LINES
    os.write(ask, b"!")
    assert list(found) == [b"one\ntwo\n"]
    for descriptor in (reading, writing, stop, ask):
        os.close(descriptor)


def test_a_file_is_cut_alike_however_slowly_it_is_sent_and_from_whichever_of_its_cuts() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(b"x" * 99 + b"\n" + b"y" * 49 + b"\n" * 30_000)
        file.seek(0)
        slow = []
        for batch in batches(file.fileno(), wait_s=0.001):
            slow.append(batch)
            time.sleep(0.01)
        for skipped in range(len(slow)):
            assert seek_line(file.fileno(), 1 + sum(batch.count(b"\n") for batch in slow[:skipped]))
            assert list(batches(file.fileno())) == slow[skipped:]
        assert not seek_line(file.fileno(), 30_003)


def test_what_was_read_of_a_file_is_no_batch_once_it_is_stopped(tmp_path: Path) -> None:
    stop, ask = os.pipe()
    (tmp_path / "lines").write_bytes(b"\n" * (BATCH_LINES + 3))
    with (tmp_path / "lines").open("rb", buffering=0) as file:
        found = batches(file.fileno(), stop=stop)
        assert len(next(found)) == BATCH_LINES
        os.write(ask, b"!")
        assert list(found) == []
    for descriptor in (stop, ask):
        os.close(descriptor)


def test_a_kits_lines_wait_until_they_are_many_or_old() -> None:
    now = [0.0]
    gathering = Gathering(wait_s=2, clock=lambda: now[0])
    assert gathering.left_s() == float("inf")
    gathering.add(b"one\n")
    now[0] = 1.5
    gathering.add(b"two\n")
    assert gathering.left_s() == 0.5
    now[0] = 9
    assert (gathering.left_s(), gathering.take(), gathering.left_s()) == (0, b"one\ntwo\n", float("inf"))
    gathering.add(b"x" * BATCH_BYTES + b"\n")
    assert gathering.left_s() == 0
