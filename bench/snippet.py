"""The web kit's cost: main-thread milliseconds a second of wild mouse moving, by the browser's own trace, with it and without.

CPU time of the thread decides: on a busy machine the clock also counts what other processes took."""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from _targets import Targets
from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests' browser, site and mesh are measured

from tests.browser.conftest import LAUNCH  # noqa: E402
from tests.browser.site import TAPS, Site  # noqa: E402
from tests.local.conftest import RunningMesh, free_port  # noqa: E402

SECONDS, ROUNDS, TARGET_MS = 6, 3, 5
CATEGORIES = ["devtools.timeline", "v8", "v8.execute", "disabled-by-default-v8.gc"]
SCRIPT = {"EventDispatch", "FunctionCall", "TimerFire", "RunMicrotasks", "EvaluateScript", "v8.run", "MinorGC", "MajorGC", "V8.GCScavenger"}


def main() -> None:
    """Prints the medians; exits 1 past the target."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        mesh = RunningMesh(Path(folder), TAPS.replace("{origin}", f"http://127.0.0.1:{port}"))
        mesh.start()
        site = Site(port, f"http://127.0.0.1:{mesh.port}/taps/public")
        site.page = site.page.replace('data-every="300" ', "")  # as a site has it: every 5 seconds
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(**LAUNCH)
            measured = [(_round(browser, site.url), _round(browser, site.url + "?without")) for _ in range(ROUNDS)]
            browser.close()
        site.close()
        mesh.stop()
    with_it, without = (statistics.median(column) for column in zip(*measured, strict=True))
    print(f"CPU of script on the main thread: {with_it:.2f} ms/s with the snippet, {without:.2f} without; target under {TARGET_MS}")
    targets = Targets()
    print(targets.verdict("the snippet", with_it < TARGET_MS))
    targets.end()


def _round(browser: Browser, url: str) -> float:
    """CPU milliseconds of script a second."""
    page = browser.new_page()
    if "?without" in url:
        page.route("**/tap.min.js", lambda route: route.fulfill(body=""))
    page.goto(url)
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace.json"
        browser.start_tracing(page=page, path=trace, categories=CATEGORIES)
        moved, took_s = _wild(page)
        browser.stop_tracing()
        cpu_ms, clock_ms = _script_ms(json.loads(trace.read_text())["traceEvents"])
    page.close()
    kind = "without" if "?without" in url else "with   "
    print(f"  {kind} {moved / took_s:3.0f} moves/s: {cpu_ms / took_s:5.2f} ms/s of CPU, {clock_ms / took_s:5.2f} by the clock", flush=True)
    return cpu_ms / took_s


def _wild(page: Page) -> tuple[int, float]:
    """Moves the mouse as fast as the browser takes it, and clicks now and then."""
    started, moves = time.monotonic(), 0
    while (took_s := time.monotonic() - started) < SECONDS:
        page.mouse.move(200 + (moves * 37) % 700, 100 + (moves * 91) % 500)
        moves += 1
        if moves % 200 == 0:
            page.mouse.down()
            page.mouse.up()
    return moves, took_s


def _script_ms(events: list[dict[str, Any]]) -> tuple[float, float]:
    """CPU and clock of script, what it calls and its garbage collection; what happens inside another such event counts once."""
    names = (event for event in events if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain")
    threads = {(event["pid"], event["tid"]): 0 for event in names}
    cpu_us = clock_us = 0
    for event in sorted(events, key=lambda event: event.get("ts", 0)):
        thread = (event["pid"], event["tid"])
        if event["name"] in SCRIPT and event.get("dur") and event["ts"] >= threads.get(thread, event["ts"] + 1):
            threads[thread] = event["ts"] + event["dur"]
            clock_us += event["dur"]
            cpu_us += event.get("tdur", event["dur"])
    return cpu_us / 1000, clock_us / 1000


if __name__ == "__main__":
    main()
