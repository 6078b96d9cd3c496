"""Takes docs/live-page.png anew: the example mesh under traffic of four sources: `python -m tests.browser.picture`.

`pngquant --force --ext .png 96 docs/live-page.png` makes it a third as large."""

import datetime as dt
import json
import math
import random
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import LAUNCH
from tests.kits.example import ROOT, running
from tests.local.conftest import RunningMesh

SECONDS = 100
KINDS = ("mousemove",) * 8 + ("scroll",) * 3 + ("keydown", "keydown", "click", "click", "pageload", "pageleave")
BAD = ({"eventType": "click", "x": "12 px", "y": 8}, {"eventType": "scroll", "y": 1.5})


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _clicks(draw: random.Random, second: float) -> list[dict[str, Any]]:
    page = {"url": "https://shop.acme.example/", "session": f"s{draw.randrange(40)}"}
    count = int(6 + 5 * math.sin(second / 5) + draw.randrange(5))
    found = [
        {"eventType": draw.choice(KINDS), "ts": _now(), "x": draw.randrange(1200), "y": draw.randrange(800), **page} for _ in range(count)
    ]
    return [*found, draw.choice(BAD)] if draw.random() < 0.05 else found


def _logs(draw: random.Random, second: float) -> list[dict[str, Any]]:
    line = {
        "time": _now(),
        "host": f"web{draw.randrange(3)}",
        "level": draw.choice(("info", "info", "warn", "error")),
        "message": "GET /cart",
    }
    return [line] * draw.randrange(1, 4)


def _metrics(draw: random.Random, second: float) -> list[dict[str, Any]]:
    load = {"plugin": "load", "type": "load", "dsnames": ["shortterm"], "dstypes": ["gauge"], "time": time.time(), "interval": 10.0}
    return [{"host": f"web{number}", "values": [draw.random()], **load} for number in range(6 + 4 * (int(second) % 10 == 0))]


def _orders(draw: random.Random, second: float) -> list[dict[str, Any]]:
    row = {"order_id": int(second * 10), "amount": "12.50", "status": "new"}
    change = {
        "lsn": f"0/{int(second * 1000):X}",
        "n": 1,
        "action": "I",
        "committed_at": _now(),
        "schema_name": "public",
        "table_name": "orders",
    }
    return [{**change, "row": row}] if draw.random() < 0.7 else []


SENDERS: dict[str, tuple[str, float, Callable[[random.Random, float], list[dict[str, Any]]]]] = {
    "clicks": ("lead", 0.1, _clicks),
    "logs": ("operator", 0.2, _logs),
    "metrics": ("operator", 1.0, _metrics),
    "orders_cdc": ("analyst", 0.8, _orders),
}


def _send(mesh: RunningMesh, tap: str) -> None:
    who, every_s, records = SENDERS[tap]
    token = mesh.run("token", "--as", who, "--tap", tap).stdout.strip()
    draw, started = random.Random(tap), time.monotonic()
    while (second := time.monotonic() - started) < SECONDS:
        found = records(draw, second)
        if found:
            mesh.post(tap, "\n".join(map(json.dumps, found)).encode(), x_bd_authorization=token)
        if tap == "clicks" and draw.random() < 0.02:
            mesh.post(tap, b"{}")  # refused: it has no token
        time.sleep(every_s)


def _photograph(page: Page, port: int, target: Path) -> None:
    page.goto(f"http://127.0.0.1:{port}/?tap=clicks")
    page.wait_for_selector("[data-state=live]")
    time.sleep(SECONDS - 10)
    page.get_by_role("button", name="Run").click()
    page.wait_for_selector("text=/rows in/")
    time.sleep(2)
    page.mouse.move(0, 0)
    page.screenshot(path=target)


def main(target: Path) -> None:
    """Writes the picture, 1200 by 1460 in light colours."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        shutil.copytree(ROOT / "sql", folder / "sql")
        with running(folder, (ROOT / "taps.yaml").read_text()) as mesh:
            threads = [threading.Thread(target=_send, args=(mesh, tap)) for tap in SENDERS]
            for thread in threads:
                thread.start()
            browser = playwright.chromium.launch(**LAUNCH)
            page = browser.new_context(viewport={"width": 1200, "height": 1460}, color_scheme="light").new_page()
            _photograph(page, mesh.port, target)
            browser.close()
            for thread in threads:
                thread.join()
            mesh.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else ROOT / "docs/live-page.png")
