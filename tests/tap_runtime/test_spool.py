"""What the spool's files keep when the writer is torn off, sealed over, or out of disk."""

import multiprocessing
import os
import resource
import shutil
import signal
import struct
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tap_runtime.errors import Broken, SpoolFull
from tap_runtime.records import Checker
from tap_runtime.recover import recover
from tap_runtime.segment import Span, Tally, make_span
from tap_runtime.spool import DATA, INDEX, REFUSED, SENDERS, Header, SpoolWriter, batches, seal, sealed_folder
from tests.tap_runtime.local_tap import START, column, settings

TAP = settings((column("id", "VARCHAR"),))
BATCH = "20260701T120000Z-" + "0" * 32
HEADER = Header("clicks", BATCH, TAP.sha256())
_checker = Checker(TAP)


def span(number: int, sender: str | None, good: int = 2, bad: int = 1) -> Span:
    """A request of so many good and bad lines."""
    lines = [b'{"id":"%d.%d"}' % (number, line) for line in range(good)] + [b"bad %d" % number] * bad
    return make_span(_checker.check(b"\n".join(lines), ""), sender, number, START)


def sizes(folder: Path) -> dict[str, int]:
    """How long each file is."""
    return {name: (folder / name).stat().st_size for name in (SENDERS, DATA, REFUSED, INDEX)}


def free_descriptors(count: int) -> list[int]:
    """What the next files that are opened get."""
    found = [os.open(os.devnull, os.O_RDONLY) for _ in range(count)]
    for descriptor in found:
        os.close(descriptor)
    return found


def test_a_torn_tail_is_cut_to_the_last_acknowledged_request_at_every_byte(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, HEADER)
    folder = tmp_path / "clicks" / "open" / BATCH
    assert writer.append(span(0, "ann")) and writer.append(span(1, "bob", bad=0))
    before, whole = sizes(folder), {name: (folder / name).read_bytes() for name in (SENDERS, DATA, REFUSED, INDEX)}
    assert writer.append(span(2, "ann"))
    after = sizes(folder)
    for torn in (SENDERS, DATA, REFUSED, INDEX):
        for size in range(before[torn], after[torn]):
            copy = tmp_path / "copy"
            shutil.copytree(folder, copy)
            with (copy / torn).open("r+b") as file:
                file.truncate(size)
            later = (SENDERS, DATA, REFUSED, INDEX)[(SENDERS, DATA, REFUSED, INDEX).index(torn) + 1 :]
            for name in later:
                (copy / name).write_bytes(whole[name])
            found = recover(copy)
            assert found is not None and set(found.tallies) == {Tally("ann", 1, 2, 1), Tally("bob", 1, 2, 0)}
            assert {name: (copy / name).read_bytes() for name in (DATA, REFUSED, INDEX)} == {
                name: whole[name] for name in (DATA, REFUSED, INDEX)
            }
            shutil.rmtree(copy)


@pytest.mark.parametrize("name", [DATA, REFUSED])
def test_an_index_entry_whose_bytes_are_not_there_counts_for_nothing(tmp_path: Path, name: str) -> None:
    writer = SpoolWriter(tmp_path, HEADER)
    writer.append(span(0, "ann"))
    folder = tmp_path / "clicks" / "open" / BATCH
    first = sizes(folder)
    writer.append(span(1, "ann"))
    for damage in ("cut", "changed"):
        copy = tmp_path / damage
        shutil.copytree(folder, copy)
        body = (copy / name).read_bytes()
        (copy / name).write_bytes(body[:-1] if damage == "cut" else body[:-2] + b"\0\n")
        found = recover(copy)
        assert found is not None and found.tallies == (Tally("ann", 1, 2, 1),)
        assert sizes(copy) == first


def test_a_spool_without_a_whole_request_is_none(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, HEADER)
    folder = tmp_path / "clicks" / "open" / BATCH
    assert recover(folder) is None
    writer.append(span(0, None))
    (folder / INDEX).write_bytes((folder / INDEX).read_bytes()[:-1])
    assert recover(folder) is None
    (folder / "header.json").write_bytes(b'{"tap":')
    assert recover(folder) is None
    assert recover(tmp_path / "nowhere") is None


@pytest.mark.parametrize("name", ["header.json", DATA, INDEX, SENDERS])
def test_a_spool_whose_acknowledged_requests_cannot_be_read_is_not_taken_for_an_empty_one(tmp_path: Path, name: str) -> None:
    writer = SpoolWriter(tmp_path, HEADER)
    writer.append(span(0, "ann"))
    folder = tmp_path / "clicks" / "open" / BATCH
    (folder / name).write_bytes(bytes((folder / name).stat().st_size))
    with pytest.raises(Broken, match="move that folder away to have its batch reported as lost"):
        recover(folder)
    (folder / name).unlink()
    if name != INDEX:
        with pytest.raises(Broken, match="cannot be read"):
            recover(folder)


def test_senders_tallies_are_totals(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, HEADER)
    for number in range(300):
        sender = None if number % 21 == 20 else f"sender {number % 21} ü\n"
        assert writer.append(span(number, sender, good=number % 3, bad=1))
    seal(tmp_path, "clicks", BATCH)
    found = recover(sealed_folder(tmp_path, "clicks", BATCH))
    expected: dict[str | None, Tally] = {}
    for number in range(300):
        sender = None if number % 21 == 20 else f"sender {number % 21} ü\n"
        one = Tally(sender, 1, number % 3, 1)
        expected[sender] = expected[sender].plus(one) if sender in expected else one
    assert found is not None and found.tallies == tuple(expected.values())


def test_a_batch_sealed_while_its_writer_appends_has_exactly_what_was_acknowledged(tmp_path: Path) -> None:
    for turn in range(30):
        batch = f"20260701T120000Z-{turn:032x}"
        writer = SpoolWriter(tmp_path, Header("clicks", batch, "s"))
        timer = threading.Timer(0.001 * turn, seal, (tmp_path, "clicks", batch))
        timer.start()
        acknowledged = 0
        while writer.append(span(acknowledged, "ann")):
            acknowledged += 1
        assert not writer.append(span(acknowledged, "ann"))
        timer.join()
        seal(tmp_path, "clicks", batch)
        found = recover(sealed_folder(tmp_path, "clicks", batch))
        assert (found.tallies if found else ()) == ((Tally("ann", acknowledged, 2 * acknowledged, acknowledged),) if acknowledged else ())
    assert len(list(batches(tmp_path, "sealed"))) == 30 and not list(batches(tmp_path, "open"))


def fill(root: Path, limit: int, answers: multiprocessing.SimpleQueue) -> None:  # type: ignore[type-arg]
    """Appends where no file may grow past `limit`: large requests until one is refused, then small ones until one is."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    writer = SpoolWriter(root, HEADER)
    for good in (40, 1):
        with pytest.raises(SpoolFull, match="cannot write to the spool: File too large"):
            while writer.append(span(writer.requests, "ann", good)):
                pass
    answers.put((writer.requests, writer.records, writer.bytes))


@pytest.mark.parametrize("limit", [180, 5_000, 20_001, 65_536])
def test_a_full_disk_keeps_what_was_acknowledged_and_nothing_of_the_refused(tmp_path: Path, limit: int) -> None:
    processes = multiprocessing.get_context("spawn")
    answers = processes.SimpleQueue()
    process = processes.Process(target=fill, args=(tmp_path, limit, answers))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    requests, records, size = answers.get()
    seal(tmp_path, "clicks", BATCH)
    found = recover(sealed_folder(tmp_path, "clicks", BATCH))
    assert (requests > 5) == (limit > 180)  # there the header fits, hardly a request
    if found is None:
        assert requests == 0
        return
    (tally,) = found.tallies
    assert (tally.requests, tally.accepted + tally.refused) == (requests, records)
    assert (found.folder / DATA).stat().st_size + (found.folder / REFUSED).stat().st_size == size


def test_a_spool_that_cannot_be_opened_is_spool_full(tmp_path: Path) -> None:
    (tmp_path / "clicks").write_bytes(b"in the way")
    with pytest.raises(SpoolFull, match="cannot open a spool: Not a directory"):
        SpoolWriter(tmp_path, HEADER)


def test_a_spool_that_cannot_be_opened_leaves_no_file_open(tmp_path: Path) -> None:
    free = free_descriptors(3)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(free), limits[1]))  # two of its four files
    try:
        for _ in range(2):
            with pytest.raises(SpoolFull, match="cannot open a spool: Too many open files"):
                SpoolWriter(tmp_path, HEADER)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    SpoolWriter(tmp_path, HEADER).close()
    assert free_descriptors(3) == free


def test_a_disk_with_room_again_takes_the_next_request_behind_the_last_whole_one(tmp_path: Path) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    writer = SpoolWriter(tmp_path, HEADER)
    assert writer.append(span(0, "ann"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (writer.bytes + 20, limits[1]))
    try:
        with pytest.raises(SpoolFull, match="cannot write to the spool"):
            writer.append(span(1, "bob", good=40))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert writer.append(span(1, "bob"))
    seal(tmp_path, "clicks", BATCH)
    found = recover(sealed_folder(tmp_path, "clicks", BATCH))
    assert found is not None and found.tallies == (Tally("ann", 1, 2, 1), Tally("bob", 1, 2, 1))


def test_a_request_that_cannot_be_written_spoils_none_behind_it(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, HEADER)
    assert writer.append(span(0, "ann"))
    uncountable = span(1, "ann")
    with pytest.raises(struct.error, match="format"):
        writer.append(replace(uncountable, tally=Tally("ann", 1, 2**32, 0)))
    assert writer.append(span(2, "ann")) and writer.append(span(3, "bob"))
    found = recover(tmp_path / "clicks" / "open" / BATCH)
    assert found is not None and found.tallies == (Tally("ann", 2, 4, 2), Tally("bob", 1, 2, 1))


def test_a_batch_takes_no_more_behind_a_request_that_could_not_be_taken_back(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, HEADER)
    assert writer.append(span(0, "ann"))
    for descriptor in (writer._refused, writer._senders):  # as if their disk had gone
        os.close(descriptor)
    with pytest.raises(SpoolFull, match="cannot write to the spool"):
        writer.append(span(1, "ann"))
    assert not writer.append(span(2, "ann", bad=0))
    found = recover(tmp_path / "clicks" / "open" / BATCH)
    assert found is not None and found.tallies == (Tally("ann", 1, 2, 1),)


def test_a_torn_name_of_a_new_sender_does_not_keep_the_batch_from_landing(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, HEADER)
    assert writer.append(span(0, "ann"))
    folder = tmp_path / "clicks" / "open" / BATCH
    with (folder / SENDERS).open("ab") as senders:
        senders.write(b'"bo')
    found = recover(folder)
    assert found is not None and found.tallies == (Tally("ann", 1, 2, 1),)
