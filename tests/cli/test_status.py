"""`tapmesh status` adds up what every tap has taken, whole wherever it is read."""

import re
import subprocess
from pathlib import Path

from tap_runtime import lake
from tests.cli.conftest import ENVIRONMENT, TAPMESH, on_a_terminal
from tests.tap_runtime.local_tap import LocalTap, column, settings

HEADS = ["tap", "open batches", "landed", "received", "accepted", "quarantined", "rows", "lost", "last landed (UTC)"]


def test_lines_received_accepted_and_quarantined_are_there_and_nothing_is_cut(tmp_path: Path) -> None:
    long = "a" * 30
    taps = []
    for name in ("orders", long):
        tap = LocalTap(tmp_path, settings((column("id", "INTEGER"),), "select id from events where id > 0", tap=name, ack="stored"))
        tap.post(b'{"id":1}\n{"id":2}\n{"id":0}\nbad\n')
        tap.land()
        taps.append(tap)
    for tap in taps:
        tap.post(b'{"id":3}\n')
    tap.store.put(lake.lost_key("orders", "x"), b"{}")
    words = ("status", "--lake", str(tmp_path / "lake"))
    piped = subprocess.run([TAPMESH, *words], env=ENVIRONMENT | {"COLUMNS": "40"}, capture_output=True, text=True, timeout=60)
    heads, *lines = [re.split(r" {2,}", line) for line in piped.stdout.splitlines()]
    assert (heads, piped.stderr) == (HEADS, "")
    assert lines == [
        [long, "1", "1", "4", "3", "1", "2", "0", "2026-07-01 12:00:00"],
        ["orders", "1", "1", "4", "3", "1", "2", "1", "2026-07-01 12:00:00"],
    ]
    assert on_a_terminal(tmp_path, *words, COLUMNS="40").decode().replace("\r", "") == piped.stdout


def test_a_tap_that_has_landed_nothing_says_so(tmp_path: Path) -> None:
    LocalTap(tmp_path, settings())
    shown = subprocess.run([TAPMESH, "status", "--lake", str(tmp_path / "lake")], capture_output=True, text=True, timeout=60)
    assert shown.stdout.splitlines()[1].split() == ["clicks", *"0000000", "-"]
