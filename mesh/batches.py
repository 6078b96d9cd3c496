"""A stream of lines -> batches for `TapClient.send`, by size and by time."""

import os
import select
import stat
import time
from collections.abc import Iterator

BATCH_BYTES = 1_000_000
BATCH_LINES = 10_000
WAIT_S = 1.0


def batches(stream: int, wait_s: float = WAIT_S, stop: int | None = None) -> Iterator[bytes]:
    """Whole lines of a file descriptor, at most BATCH_BYTES and BATCH_LINES at once (a longer line goes alone).

    No line waits longer than `wait_s` for others. Once `stop` can be read, the lines that were read so far are the last. A regular
    file is cut by size alone, so that it is cut alike each time, and what was read of it when it is stopped is not a batch.
    """
    file = stat.S_ISREG(os.fstat(stream).st_mode)
    watched = [stream] if stop is None else [stream, stop]
    read, due = b"", None
    while True:
        ready, _, _ = select.select(watched, [], [], None if due is None else max(0.0, due - time.monotonic()))
        if stop in ready:
            if (lines := read[: read.rfind(b"\n") + 1]) and not file:
                yield lines
            return
        chunk = os.read(stream, BATCH_BYTES) if ready else None
        read += chunk or b""
        late = due is not None and time.monotonic() >= due
        while end := _batch_end(read, full=not late and chunk != b""):
            yield read[:end]
            read, due = read[end:], None
        if chunk == b"":
            if read:
                yield read
            return
        if due is None and not file and b"\n" in read:
            due = time.monotonic() + wait_s


def seek_line(file: int, line: int) -> bool:
    """Moves to where that line of a regular file begins, from 1; whether there is one."""
    at, left = 0, line - 1
    while left and (chunk := os.pread(file, BATCH_BYTES, at)):
        ends = chunk.count(b"\n")
        at += len(chunk) if ends < left else _line_end(chunk, left)
        left -= min(ends, left)
    os.lseek(file, at, os.SEEK_SET)
    return left == 0 and os.pread(file, 1, at) != b""


def _batch_end(read: bytes, full: bool) -> int:
    """Where the next batch ends, or 0: with `full` a batch waits for more until it is full."""
    end = read.rfind(b"\n", 0, BATCH_BYTES) + 1
    if read.count(b"\n", 0, end) >= BATCH_LINES:
        return _line_end(read, BATCH_LINES)
    if end == 0:
        return read.find(b"\n", BATCH_BYTES) + 1
    return 0 if full and len(read) < BATCH_BYTES else end


def _line_end(read: bytes, lines: int) -> int:
    end = 0
    for _ in range(lines):
        end = read.index(b"\n", end) + 1
    return end
