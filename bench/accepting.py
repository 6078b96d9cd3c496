"""Accepting through the local server on one core, wrk on the other: records/s at 1,000 a POST, the requests/s of bare Starlette."""

import contextlib
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from _mesh import TAP, OneTap, events
from _targets import Targets

ROUNDS = 5
LIMIT_S = 60
BARE = """\
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route


async def take(request):
    await request.body()
    return JSONResponse({"statusCode": 200})


app = Starlette(routes=[Route("/", take, methods=["POST"])])
"""
SCRIPT = """\
local file = io.open("{body}", "rb")
wrk.method = "POST"
wrk.body = file:read("*a")
wrk.headers["content-type"] = "application/x-ndjson"
done = function(summary, latency, requests)
  io.write(string.format("RESULT %d %d %d %d\\n", summary.requests, summary.duration, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
"""


def need_wrk() -> None:
    """wrk, installed where that is allowed."""
    if shutil.which("wrk") is None and os.geteuid() == 0:
        subprocess.run(["apt-get", "install", "-qy", "wrk"], stdout=subprocess.DEVNULL, timeout=300)
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing; install it first: sudo apt-get install wrk")


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Load:
    """What wrk sends: so many records a POST, for so long, to a tap that lands at `threshold`; and what is asked of it."""

    name: str
    records: int
    seconds: int
    threshold: str
    records_a_second: float = 0
    of_bare: float = 0


LOADS = (
    Load("1,000 records a POST, the batch stays open", 1000, 1, "200MB", records_a_second=600_000),
    Load("1,000 records a POST, the lander at work on the same core", 1000, 4, "10MB"),
    Load("1 record a POST", 1, 4, "10MB", of_bare=0.4),
)


@dataclass(frozen=True)
class Rate:
    """Requests a second, and the server's CPU time a request, which other work on the machine hardly lengthens."""

    a_second: float
    cpu_s: float


@contextlib.contextmanager
def serving(command: list[str], port: int, folder: Path) -> Iterator[int]:
    """A server on core 0 while the block runs; its process."""
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(["taskset", "-c", "0", *command], cwd=folder, stdout=log, stderr=log)
    try:
        until = time.monotonic() + 20
        while not answers(port):
            if process.poll() is not None or time.monotonic() > until:
                sys.exit(f"the server does not start: {(folder / 'server.log').read_text()[-500:]}")
            time.sleep(0.05)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def answers(port: int) -> bool:
    """Whether anybody listens."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def cpu_s(process: int) -> float:
    """CPU seconds a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(url: str, body: bytes, seconds: int, folder: Path, server: int) -> Rate:
    """What wrk gets answered with 200."""
    (folder / "body").write_bytes(body)
    (folder / "post.lua").write_text(SCRIPT.format(body=folder / "body"))
    command = ["taskset", "-c", "1", "wrk", "-t1", "-c16", f"-d{seconds}s", "-s", str(folder / "post.lua"), url]
    used = cpu_s(server)
    out = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S).stdout
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+)", out)
    assert found is not None, out
    count, took_us, refused, failed = map(int, found.groups())
    assert not refused, f"{refused} answers were not 200: {answer(url, body)}"
    assert not failed, f"{failed} requests had no answer"
    return Rate(count / took_us * 1e6, (cpu_s(server) - used) / count)


def answer(url: str, body: bytes) -> str:
    """What one such request is answered."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, method="POST"), timeout=10) as reply:
            return str(reply.status)
    except OSError as error:
        return str(error)


def through_server(each: Load, body: bytes, folder: Path) -> dict[str, list[Rate]]:
    """The rates of tapmesh and of bare Starlette, by turns, each with its own server just started."""
    folder.mkdir()
    (folder / "bare.py").write_text(BARE)
    found: dict[str, list[Rate]] = {"tapmesh": [], "starlette": []}
    for number in range(ROUNDS):
        port, mesh = free_port(), folder / str(number)
        mesh.mkdir()
        OneTap(mesh, public=True, threshold=each.threshold)
        code = "from mesh.cli import run; run()"
        command = [sys.executable, "-c", code, "dev", "--port", str(port), "--file", str(mesh / "taps.yaml")]
        with serving(command, port, folder) as server:
            found["tapmesh"].append(load(f"http://127.0.0.1:{port}/taps/{TAP}", body, each.seconds, folder, server))
        shutil.rmtree(mesh)
        port = free_port()
        command = [sys.executable, "-m", "uvicorn", "bare:app", "--port", str(port), "--no-access-log", "--log-level", "warning"]
        with serving(command, port, folder) as server:
            found["starlette"].append(load(f"http://127.0.0.1:{port}/", body, each.seconds, folder, server))
    return found


def in_process(body: bytes, count: int, folder: Path) -> float:
    """CPU seconds a request takes from the decoded body to the spool and the answer, without HTTP."""
    folder.mkdir()
    tap = OneTap(folder, public=True)
    times = []
    for _ in range(5):
        start = time.process_time()
        for _ in range(count):
            tap.accept(body)
        times.append((time.process_time() - start) / count)
        tap.acceptor.seal()
        shutil.rmtree(tap.workspace.spool)
    return statistics.median(times)


def middle(rates: list[Rate]) -> Rate:
    """The medians."""
    return Rate(statistics.median(rate.a_second for rate in rates), statistics.median(rate.cpu_s for rate in rates))


def main(folder: Path) -> None:
    """Each load, printed with its target."""
    os.sched_setaffinity(0, {1})
    lines = list(events(1000))
    targets = Targets()
    for number, each in enumerate(LOADS):
        body = b"".join(lines[: each.records])
        taken_s = in_process(body, 200 if each.records > 1 else 5000, folder / f"in-process-{number}")
        found = {name: middle(rates) for name, rates in through_server(each, body, folder / str(number)).items()}
        report(each, body, taken_s, found["tapmesh"], found["starlette"], targets)
    targets.end()


def report(each: Load, body: bytes, taken_s: float, mine: Rate, bare: Rate, targets: Targets) -> None:
    """Prints one load."""
    records = each.records
    print(f"{each.name} ({len(body):,} bytes), median of {ROUNDS} loads of {each.seconds} s")
    for name, rate in (("tapmesh", mine), ("bare Starlette", bare)):
        held = f"{rate.cpu_s * 1e6:,.0f} µs of CPU each, {records / rate.cpu_s:,.0f} records per CPU second"
        print(f"  {name:14} {rate.a_second:8,.0f} requests/s, {rate.a_second * records:9,.0f} records/s; {held}")
    print(f"  of bare Starlette: {mine.a_second / bare.a_second:.0%} of the requests/s, {bare.cpu_s / mine.cpu_s:.0%} by CPU")
    print(f"  authenticate, check, re-encode, spool, answer: {taken_s * 1e6:,.0f} µs, {taken_s / mine.cpu_s:.0%} of the server's CPU")
    if each.records_a_second:
        target = f"{each.records_a_second:,} records/s"
        print(f"  target {target}: {targets.verdict(target, mine.a_second * records >= each.records_a_second)}", flush=True)
    if each.of_bare:
        target = f"{each.of_bare:.0%} of bare Starlette's requests/s"
        print(f"  target {target}: {targets.verdict(target, mine.a_second >= each.of_bare * bare.a_second)}", flush=True)


if __name__ == "__main__":
    need_wrk()
    with tempfile.TemporaryDirectory(prefix="tapmesh-bench-") as name:
        main(Path(name))
