"""A spool as a crash leaves it: cut to what was acknowledged, whatever the tail looks like."""

import datetime as dt
import os
import shutil
from pathlib import Path

import pytest

from tap_runtime import spool
from tap_runtime.errors import SpoolFull
from tap_runtime.records import BadLine, Records
from tap_runtime.segment import Span, Tally, make_span

NOW = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
HEADER = spool.Header("clicks", "20260701T000000Z-" + "0" * 32, "s" * 64)


def span(sender: str, request: int) -> Span:
    return make_span(Records(b'{"x":%d}' % request, 1, (BadLine(2, "bad", b"nonsense"),)), sender, request, NOW)


def written(root: Path, requests: int) -> Path:
    writer = spool.SpoolWriter(root, HEADER)
    for request in range(requests):
        assert writer.append(span(f"sender{request % 3}", request))
    writer.close()
    return spool.open_folder(root, "clicks", HEADER.batch)


@pytest.mark.parametrize("name", [spool.DATA, spool.REFUSED, spool.INDEX])
def test_a_tail_torn_at_any_byte_is_cut_to_the_last_whole_request(tmp_path: Path, name: str) -> None:
    before, after = written(tmp_path / "before", 4) / name, written(tmp_path / "after", 5)
    start, end = before.stat().st_size, (after / name).stat().st_size
    for size in range(start, end):
        torn = tmp_path / f"{name}-{size}"
        shutil.copytree(after, torn)
        os.truncate(torn / name, size)
        sealed = spool.recover(torn)
        assert sealed is not None
        assert sealed.tallies == (Tally("sender0", 2, 2, 2), Tally("sender1", 1, 1, 1), Tally("sender2", 1, 1, 1))
        assert (torn / spool.DATA).read_bytes() == (tmp_path / "before/clicks/open" / HEADER.batch / spool.DATA).read_bytes()


def test_bytes_that_changed_under_the_last_entry_are_not_taken_for_acknowledged(tmp_path: Path) -> None:
    folder = written(tmp_path, 2)
    body = bytearray((folder / spool.DATA).read_bytes())
    body[-3] ^= 1
    (folder / spool.DATA).write_bytes(body)
    sealed = spool.recover(folder)
    assert sealed is not None
    assert sealed.tallies == (Tally("sender0", 1, 1, 1),)


def test_a_spool_that_never_took_a_request_recovers_as_nothing(tmp_path: Path) -> None:
    assert spool.recover(written(tmp_path, 0)) is None
    assert spool.recover(tmp_path / "nowhere") is None


def test_a_batch_sealed_by_another_takes_nothing_more(tmp_path: Path) -> None:
    writer = spool.SpoolWriter(tmp_path, HEADER)
    assert writer.append(span("a", 0))
    spool.seal(tmp_path, "clicks", HEADER.batch)
    assert not writer.append(span("a", 1))
    sealed = spool.recover(spool.sealed_folder(tmp_path, "clicks", HEADER.batch))
    assert sealed is not None
    assert sealed.tallies == (Tally("a", 1, 1, 1),)
    spool.seal(tmp_path, "clicks", HEADER.batch)


def test_a_request_that_does_not_fit_the_disk_leaves_the_ones_before_it_whole(tmp_path: Path) -> None:
    import resource
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    writer = spool.SpoolWriter(tmp_path, HEADER)
    assert writer.append(span("a", 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (writer.bytes + 20, limits[1]))
    try:
        with pytest.raises(SpoolFull, match="cannot write to the spool"):
            writer.append(make_span(Records(b'{"x":"' + b"y" * 500 + b'"}', 1, ()), "b", 1, NOW))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert writer.append(span("b", 1))
    spool.seal(tmp_path, "clicks", HEADER.batch)
    sealed = spool.recover(spool.sealed_folder(tmp_path, "clicks", HEADER.batch))
    assert sealed is not None
    assert sealed.tallies == (Tally("a", 1, 1, 1), Tally("b", 1, 1, 1))


def test_a_torn_name_of_a_new_sender_does_not_keep_the_batch_from_landing(tmp_path: Path) -> None:
    folder = written(tmp_path, 2)
    with (folder / spool.SENDERS).open("ab") as senders:
        senders.write(b'"bo')
    sealed = spool.recover(folder)
    assert sealed is not None
    assert sealed.tallies == (Tally("sender0", 1, 1, 1), Tally("sender1", 1, 1, 1))
