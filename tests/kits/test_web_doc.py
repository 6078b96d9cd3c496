"""docs/kits/web.md: its queries over events that landed, its endpoint, its table of attributes, its sums; and the wheel has the files."""

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kits.example import ROOT, example
from tests.local.conftest import RunningMesh

PAGE = (ROOT / "docs/kits/web.md").read_text()
SNIPPET = (ROOT / "mesh/kits/web/tap.js").read_text()
QUERIES = re.findall(r'```sh\ntapmesh query "(.*?)"\n```', PAGE, re.DOTALL)
DAY = "2026-11-23T"
EVENTS = [
    # session, page, n, time, type, x, y, path
    ("s1", "p1", 1, "08:00:00", "pageload", None, None, "/cups"),
    ("s1", "p1", 2, "08:00:10", "click", 120, 310, "/cups"),
    ("s1", "p1", 3, "08:00:20", "scroll", 0, 400, "/cups"),
    ("s1", "p1", 4, "08:00:30", "pageleave", 0, 300, "/cups"),
    ("s1", "p2", 1, "08:00:31", "pageload", None, None, "/plates"),
    ("s1", "p2", 2, "08:01:31", "pageleave", 0, 0, "/plates"),
    ("s1", "p3", 1, "09:00:00", "pageload", None, None, "/cups"),
    ("s1", "p3", 2, "09:00:50", "pageleave", 0, 200, "/cups"),
    ("s2", "p4", 1, "08:30:00", "pageload", None, None, "/cups"),
    ("s2", "p4", 2, "08:30:01", "click", 149, 349, "/cups"),
    ("s2", "p4", 3, "08:30:02", "click", 10, 20, "/cups"),
]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[RunningMesh]:
    """The example mesh with the events above landed."""
    with example(tmp_path) as mesh:
        token = mesh.run("token", "--as", "lead", "--tap", "clicks").stdout.strip()
        assert mesh.post("clicks", b"\n".join(map(line, EVENTS)), x_bd_authorization=token)[1]["accepted"] == len(EVENTS)
        mesh.wait_for(lambda: mesh.query("select count(*) as n from clicks") == [{"n": len(EVENTS)}], "rows")
        yield mesh


def line(event: tuple[Any, ...]) -> bytes:
    session, page, number, time, kind, x, y, path = event
    found = {"eventType": kind, "ts": f"{DAY}{time}Z", "x": x, "y": y, "url": f"https://shop.acme.example{path}", "session": session}
    return json.dumps({**found, "page": page, "n": number}).encode()


def test_the_queries_of_the_page_answer_what_they_say(shop: RunningMesh) -> None:
    sessions, pages, clicks = (shop.query(sql) for sql in QUERIES)
    assert [(row["session"], row["visit"], row["seconds"], row["pages"], row["clicks"]) for row in sessions] == [
        ("s1", 1, 91, 2, 1),
        ("s2", 1, 2, 1, 2),
        ("s1", 2, 50, 1, 0),
    ]
    site = "https://shop.acme.example"
    assert pages == [
        {"url": f"{site}/cups", "views": 3, "sessions": 2, "seconds": 40.0, "scrolled": 300.0},
        {"url": f"{site}/plates", "views": 1, "sessions": 1, "seconds": 60.0, "scrolled": 0.0},
    ]
    assert all("| " + " | ".join(map(str, row.values())) + " |" in PAGE for row in pages)
    assert clicks == [
        {"url": f"{site}/cups", "x": 100, "y": 300, "clicks": 2},
        {"url": f"{site}/cups", "x": 0, "y": 0, "clicks": 1},
    ]
    (once,) = re.findall(r"`\((from clicks qualify .*?)\)`", PAGE, re.DOTALL)
    again = QUERIES[2].replace("from clicks", f"from ({once})".replace("from clicks", "from (from clicks union all from clicks)"))
    assert shop.query(again) == clicks


def test_the_endpoint_of_the_page_hands_out_tokens_the_tap_takes(shop: RunningMesh, monkeypatch: pytest.MonkeyPatch) -> None:
    (source,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    endpoint: dict[str, Any] = {}
    exec(source.replace("/srv/mesh/taps.yaml", str(shop.file)), endpoint)
    (token,) = endpoint["tap_token"]({}, lambda status, headers: None)
    assert shop.post("clicks", b'{"eventType":"click"}', x_bd_authorization=token.decode())[0] == 200


def test_the_page_lists_every_attribute_and_event_of_the_snippet() -> None:
    read = set(re.findall(r"options\.(\w+)", SNIPPET)) | set(re.findall(r"given\.(\w+)", SNIPPET))
    assert set(re.findall(r"^\| `data-(\w+)`", PAGE, re.MULTILINE)) == read
    events = set(re.findall(r"(?:record|wanted|sampled|on)\(\"(\w+)\"", SNIPPET)) - {"unhandledrejection"}
    assert {event for event in events if event not in PAGE} == set()


def test_the_sums_of_the_page_are_right() -> None:
    requests, gb_second, write = 0.20 / 1e6, 0.0000133334, 0.005 / 1000
    landing = 43_200 * (6 * write + 0.125 * gb_second)
    stored = 1.6e6 * requests + 1.6e6 * 0.06 * 0.125 * gb_second + 1.2e6 * 2 * write + landing
    buffered = 1.2e6 * requests + 1.2e6 * 0.005 * 0.125 * gb_second + landing
    assert re.findall(r"\*\*\$([\d.]+)\*\*", PAGE) == [f"{stored:.2f}", f"{buffered:.2f}"]


def test_the_wheel_brings_the_snippet_and_the_demo(tmp_path: Path) -> None:
    """Built from a copy: a build leaves folders behind."""
    command = f"git -C {ROOT} ls-files -co --exclude-standard -z mesh tap_runtime pyproject.toml README.md LICENSE requirements.txt"
    subprocess.run(f"{command} | (cd {ROOT} && xargs -0 cp --parents -t {tmp_path})", shell=True, check=True)
    wheel = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--disable-pip-version-check",
        "-w",
        str(tmp_path / "out"),
        str(tmp_path),
    ]
    subprocess.run(wheel, check=True)
    (built,) = (tmp_path / "out").glob("*.whl")
    packed = {name for name in zipfile.ZipFile(built).namelist() if name.startswith("mesh/kits/web/")}
    there = {f"mesh/kits/web/{path.name}" for path in (ROOT / "mesh/kits/web").iterdir() if path.is_file()}
    assert packed == there
