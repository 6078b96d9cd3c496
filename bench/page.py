"""What the live page costs: a mesh of 50 taps with its page open and without, by turns on one server, and how the page keeps up."""

import contextlib
import http.client
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from _mesh import events
from _targets import Targets
from accepting import LIMIT_S, Rate, cpu_s, free_port, need_wrk, serving

from mesh.local.live.counts import Counts
from tap_runtime.http import reply

TAPS, SECONDS, ROUNDS = 50, 3, 8
PACE, CLAIMED = 250, 2000  # requests a second: what the page is measured at, and what it is compared with
MOST_COST = 0.03
TAP = "{team: growth, schema: {eventType: VARCHAR NOT NULL, ts: TIMESTAMP, x: INTEGER, y: INTEGER, url: VARCHAR, session: VARCHAR}}"
SCRIPT = """\
local file = io.open("{body}", "rb")
local body = file:read("*a")
local count = 0
request = function()
  count = count + 1
  return wrk.format("POST", "/taps/tap_" .. (count % {taps}), {{["content-type"] = "application/x-ndjson"}}, body)
end
done = function(summary, latency, requests)
  io.write(string.format("RESULT %d %d %d\\n", summary.requests, summary.duration, summary.errors.status + summary.errors.connect
    + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
"""


class Open:
    """A page that is open: its stream is read, and the time between frames kept."""

    def __init__(self, port: int) -> None:
        self.gaps_s: list[float] = []
        self.bytes = 0
        self._closing = False
        self._answer = asked(port, "/live/stream?tap=tap_0")
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        last = time.monotonic()
        while not self._closing and (line := self._answer.readline()):
            self.bytes += len(line)
            if line.startswith(b"data:"):
                self.gaps_s.append(time.monotonic() - last)
                last = time.monotonic()

    def close(self) -> None:
        """Ends after the frame that is next."""
        self._closing = True
        self._thread.join()
        self._answer.close()


def asked(port: int, path: str) -> http.client.HTTPResponse:
    """The answer to a GET, its body not read yet."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    return connection.getresponse()


def load(port: int, server: int, folder: Path, seconds: int = SECONDS) -> Rate:
    """What wrk gets answered, round all taps."""
    command = ["taskset", "-c", "1", "wrk", "-t1", "-c16", f"-d{seconds}s", "-s", str(folder / "post.lua"), f"http://127.0.0.1:{port}"]
    used = cpu_s(server)
    out = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S).stdout
    found = re.search(r"RESULT (\d+) (\d+) (\d+)", out)
    assert found is not None, out
    count, took_us, failed = map(int, found.groups())
    assert not failed, f"{failed} of {count} requests failed"
    return Rate(count / took_us * 1e6, (cpu_s(server) - used) / count)


@contextlib.contextmanager
def mesh(folder: Path) -> Iterator[tuple[int, int]]:
    """A mesh of TAPS public taps; its port and process."""
    taps = "".join(f"  tap_{number}: {TAP}\n" for number in range(TAPS))
    head = "version: 1\nmesh: bench\npeople: {lead: {email: lead@acme.example}}\nteams: {growth: [lead]}\n"
    (folder / "taps.yaml").write_text(f"{head}defaults: {{public: true, thresholds: {{bytes: 10MB, age: 60s}}}}\ntaps:\n{taps}")
    port = free_port()
    code = "from mesh.cli import run; run()"
    with serving([sys.executable, "-c", code, "dev", "--port", str(port), "--file", str(folder / "taps.yaml")], port, folder) as server:
        yield port, server


def run_s(process: int) -> float:
    """CPU seconds a process's threads have run, to the nanosecond."""
    return sum(int(file.read_text().split()[0]) for file in Path(f"/proc/{process}/task").glob("*/schedstat")) / 1e9


def paced(port: int, server: int, body: bytes) -> float:
    """The server's CPU seconds a second while PACE requests a second come in, round all taps, for SECONDS."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    used, start = run_s(server), time.monotonic()
    for number in range(PACE * SECONDS):
        connection.request("POST", f"/taps/tap_{number % TAPS}", body)
        connection.getresponse().read()
        time.sleep(max(0.0, start + (number + 1) / PACE - time.monotonic()))
    return (run_s(server) - used) / (time.monotonic() - start)


def page_s(port: int, server: int, body: bytes) -> float:
    """CPU seconds a second that an open page takes while every row of it changes: the same requests with it and without, by turns."""
    found: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(2 * ROUNDS):
        is_open = turn % 4 in (1, 2)
        page = Open(port) if is_open else None
        found[is_open].append(paced(port, server, body))
        if page is not None:
            page.close()
    return statistics.median(found[True]) - statistics.median(found[False])


def counting_s() -> float:
    """CPU seconds a request is counted in."""
    counts, count = Counts(), 100_000
    answer = reply(
        200, {"received": 1, "accepted": 1, "quarantined": [], "quarantined_count": 0, "durability": "buffered", "receipt": "x" * 52}
    )
    start = time.process_time()
    for _ in range(count):
        counts.count(answer)
    return (time.process_time() - start) / count


def main(folder: Path) -> None:
    """By turns, printed with the target."""
    os.sched_setaffinity(0, {1})
    (folder / "body").write_bytes(next(events(1)))
    (folder / "post.lua").write_text(SCRIPT.format(body=folder / "body", taps=TAPS))
    found: dict[bool, list[Rate]] = {True: [], False: []}
    gaps_s, pages_s, sent = [], [], 0
    with mesh(folder) as (port, server):
        load(port, server, folder, seconds=1)
        for turn in range(2 * ROUNDS):
            is_open = turn % 4 in (1, 2)  # without, with, with, without: what drifts meets both alike
            page = Open(port) if is_open else None
            found[is_open].append(load(port, server, folder))
            if page is not None:
                page.close()
                gaps_s, sent = gaps_s + page.gaps_s[1:], sent + page.bytes
        taken_s = page_s(port, server, (folder / "body").read_bytes())
        with_load = threading.Thread(target=load, args=(port, server, folder))
        with_load.start()
        while with_load.is_alive():
            start = time.monotonic()
            asked(port, "/?tap=tap_7").read()
            pages_s.append(time.monotonic() - start)
            time.sleep(0.2)
    report(found, taken_s, gaps_s, pages_s, sent)


def report(found: dict[bool, list[Rate]], taken_s: float, gaps_s: list[float], pages_s: list[float], sent: int) -> None:
    """Prints it all; exits 1 past the target."""
    shut, opened = (statistics.median(rate.a_second for rate in found[is_open]) for is_open in (False, True))
    shut_s, opened_s = (statistics.median(rate.cpu_s for rate in found[is_open]) for is_open in (False, True))
    counted_s, cost = counting_s(), taken_s / (CLAIMED * shut_s)
    print(f"{TAPS} taps, 1 record a POST, median of {ROUNDS} loads of {SECONDS} s each")
    print(f"  no page open   {shut:8,.0f} requests/s, {shut_s * 1e6:,.0f} µs of CPU each")
    print(f"  one page open  {opened:8,.0f} requests/s, {opened_s * 1e6:,.0f} µs of CPU each")
    print(f"  counting, page or not: {counted_s * 1e6:.2f} µs a request, {counted_s / shut_s:.1%} of its CPU")
    print(f"  frames {statistics.median(gaps_s):.2f} s apart, at worst {max(gaps_s):.2f} s; {sent / len(gaps_s) / 1000:.1f} kB each")
    print(f"  the whole page under load: {statistics.median(pages_s) * 1000:.0f} ms, at worst {max(pages_s) * 1000:.0f} ms")
    print(f"at {PACE} requests/s an open page takes {taken_s * 1000:.1f} ms of CPU a second, {cost:.1%} of what {CLAIMED:,} requests take")
    targets = Targets()
    print(f"  target at most {MOST_COST:.0%}: {targets.verdict('an open page', cost <= MOST_COST)}", flush=True)
    targets.end()


if __name__ == "__main__":
    need_wrk()
    with tempfile.TemporaryDirectory(prefix="tapmesh-bench-") as name:
        main(Path(name))
