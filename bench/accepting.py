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
from pathlib import Path

from _mesh import TAP, OneTap, events

SECONDS, ROUNDS = 4, 3
LIMIT_S = 60
RECORDS_A_SECOND, SHARE_OF_STARLETTE = 600_000, 0.4
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


@contextlib.contextmanager
def serving(command: list[str], port: int, folder: Path) -> Iterator[str]:
    """A server on core 0 while the block runs; its address."""
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(["taskset", "-c", "0", *command], cwd=folder, stdout=log, stderr=log)
    try:
        until = time.monotonic() + 20
        while not answers(port):
            if process.poll() is not None or time.monotonic() > until:
                sys.exit(f"the server does not start: {(folder / 'server.log').read_text()[-500:]}")
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
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


def load(url: str, body: bytes, folder: Path) -> float:
    """Requests a second that wrk gets answered with 200."""
    (folder / "body").write_bytes(body)
    (folder / "post.lua").write_text(SCRIPT.format(body=folder / "body"))
    command = ["taskset", "-c", "1", "wrk", "-t1", "-c16", f"-d{SECONDS}s", "-s", str(folder / "post.lua"), url]
    out = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S).stdout
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+)", out)
    assert found is not None, out
    count, took_us, refused, failed = map(int, found.groups())
    assert not refused, f"{refused} answers were not 200: {answer(url, body)}"
    assert not failed, f"{failed} requests had no answer"
    return count / took_us * 1e6


def answer(url: str, body: bytes) -> str:
    """What one such request is answered."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, method="POST"), timeout=10) as reply:
            return str(reply.status)
    except OSError as error:
        return str(error)


def through_server(name: str, body: bytes, folder: Path) -> dict[str, list[float]]:
    """Requests/s of tapmesh and of bare Starlette, by turns, each with its own server just started."""
    (folder / "bare.py").write_text(BARE)
    found: dict[str, list[float]] = {"tapmesh": [], "starlette": []}
    for number in range(ROUNDS):
        port, mesh = free_port(), folder / f"{name}-{number}"
        mesh.mkdir()
        OneTap(mesh, public=True, threshold="10MB")
        code = "from mesh.cli import run; run()"
        command = [sys.executable, "-c", code, "dev", "--port", str(port), "--file", str(mesh / "taps.yaml")]
        with serving(command, port, folder) as url:
            found["tapmesh"].append(load(f"{url}/taps/{TAP}", body, folder))
        shutil.rmtree(mesh)
        port = free_port()
        command = [sys.executable, "-m", "uvicorn", "bare:app", "--port", str(port), "--no-access-log", "--log-level", "warning"]
        with serving(command, port, folder) as url:
            found["starlette"].append(load(f"{url}/", body, folder))
    return found


def in_process(body: bytes, count: int, folder: Path) -> float:
    """Seconds a request takes from the decoded body to the spool and the answer, without HTTP."""
    folder.mkdir()
    tap = OneTap(folder, public=True)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(count):
            tap.accept(body)
        times.append((time.perf_counter() - start) / count)
        tap.acceptor.seal()
        shutil.rmtree(tap.workspace.spool)
    return statistics.median(times)


def main(folder: Path) -> None:
    """Both loads, printed with their targets."""
    os.sched_setaffinity(0, {1})
    lines = list(events(1000))
    for records in (1000, 1):
        body = b"".join(lines[:records])
        taken_s = in_process(body, 200 if records > 1 else 5000, folder / f"in-process-{records}")
        found = {name: statistics.median(rates) for name, rates in through_server(str(records), body, folder).items()}
        mine, bare = found["tapmesh"], found["starlette"]
        print(f"{records:,} records a POST ({len(body):,} bytes), median of {ROUNDS} loads of {SECONDS} s")
        print(
            f"  tapmesh {mine:,.0f} requests/s = {mine * records:,.0f} records/s; bare Starlette {bare:,.0f} requests/s: {mine / bare:.0%}"
        )
        print(
            f"  authenticate, check, re-encode, spool, answer: {taken_s * 1e6:,.0f} µs a request in process, {taken_s * mine:.0%} of the time"
        )
        met = mine * records >= RECORDS_A_SECOND if records > 1 else mine / bare >= SHARE_OF_STARLETTE
        target = f"{RECORDS_A_SECOND:,} records/s" if records > 1 else f"{SHARE_OF_STARLETTE:.0%} of bare Starlette"
        print(f"  target {target}: {'met' if met else 'MISSED'}", flush=True)


if __name__ == "__main__":
    need_wrk()
    with tempfile.TemporaryDirectory(prefix="tapmesh-bench-") as name:
        main(Path(name))
