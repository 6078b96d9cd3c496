"""What a page records is in the lake, once, whatever happens in between: the demo's page in a real browser."""

import os
import signal
import subprocess
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Playwright
from playwright.sync_api import Error as BrowserGone

from tests.browser.conftest import LAUNCH
from tests.browser.visitor import Visitor, busy, landed, settle, unsent, until
from tests.local.conftest import RunningMesh

PAGES = int(os.environ.get("TAPMESH_PAGES", "200"))


def demo(mesh: RunningMesh) -> str:
    return f"http://127.0.0.1:{mesh.port}/demo?every=300"


def finish(visitor: Visitor, mesh: RunningMesh) -> None:
    """All pages leave, a last one sends what they left behind and leaves; then lake and record are compared, event by event."""
    page, *others = visitor.context.pages or [visitor.context.new_page()]
    for other in others:
        other.close()
    page.goto(demo(mesh))
    settle(page)
    left, last = visitor.types().get("pageleave", 0), visitor.context.new_page()
    page.close()
    until(last, lambda: visitor.types().get("pageleave", 0) > left, "the page to leave")
    until(last, lambda: not visitor.ids() - landed(mesh), "all to land")
    if mesh.process is not None:
        mesh.stop()
    there = landed(mesh)
    assert visitor.ids() - there == Counter(), "missing"
    assert there - visitor.ids() == Counter(), "twice"
    assert visitor.strangers() == []
    rows = mesh.query('select count(*) as events, "eventType" from clicks group by "eventType"')
    assert {row["eventType"]: row["events"] for row in rows} == visitor.types()


def test_what_a_visitor_does_is_counted_exactly(shop: RunningMesh, visitor: Visitor) -> None:
    page = visitor.context.new_page()
    page.goto(demo(shop))
    busy(page)
    page.goto(demo(shop))
    types = visitor.types()
    assert (types["pageload"], types["click"], types["keydown"]) == (2, 1, 3), "three keys in the search field, none in the password's"
    assert types["mousemove"] > 0
    assert types["scroll"] > 0
    finish(visitor, shop)
    assert visitor.types()["pageleave"] == visitor.types()["pageload"] == 3
    assert shop.query("select count(*) as n from clicks where _extra like '%key\"%'") == [{"n": 0}]


def test_the_network_cut_in_the_middle_loses_and_doubles_nothing(shop: RunningMesh, visitor: Visitor) -> None:
    page = visitor.context.new_page()
    page.goto(demo(shop))
    busy(page)
    visitor.context.set_offline(True)
    busy(page)
    assert unsent(page)
    page.wait_for_timeout(1000)
    with pytest.raises(BrowserGone, match="ERR_INTERNET_DISCONNECTED"):
        page.reload()
    visitor.context.set_offline(False)
    page.goto(demo(shop))
    busy(page)
    finish(visitor, shop)


def test_the_server_killed_and_restarted_loses_and_doubles_nothing(shop: RunningMesh, visitor: Visitor) -> None:
    page = visitor.context.new_page()
    page.goto(demo(shop))
    for _ in range(3):
        busy(page)
        shop.stop(signal.SIGKILL)
        busy(page)
        shop.start()
    busy(page)
    settle(page)
    finish(visitor, shop)


def test_two_tabs_at_once_lose_and_double_nothing(shop: RunningMesh, visitor: Visitor) -> None:
    one, other = visitor.context.new_page(), visitor.context.new_page()
    for page in (one, other):
        page.goto(demo(shop))
    visitor.context.set_offline(True)
    for page in (one, other, one, other):
        page.bring_to_front()
        busy(page)
    page.wait_for_timeout(1000)
    visitor.context.set_offline(False)
    busy(other)
    one.close()
    busy(other)
    other.close()
    finish(visitor, shop)


def test_a_full_local_storage_loses_and_doubles_nothing(shop: RunningMesh, visitor: Visitor) -> None:
    page = visitor.context.new_page()
    page.goto(demo(shop))
    settle(page)
    page.evaluate("""
      let size = 4e6;
      while (size >= 1) {
        try { localStorage["site" + size + Math.random()] = "x".repeat(size); } catch { size /= 2; }
      }
    """)
    busy(page)
    assert unsent(page) == []
    visitor.context.set_offline(True)
    busy(page)
    visitor.context.set_offline(False)
    busy(page)
    page.wait_for_timeout(1500)
    finish(visitor, shop)


def test_pages_left_at_once_miss_no_pageleave(shop: RunningMesh, visitor: Visitor) -> None:
    page = visitor.context.new_page()
    for _ in range(PAGES):
        page.goto(demo(shop), wait_until="domcontentloaded")
    finish(visitor, shop)
    assert visitor.types() == {"pageload": PAGES + 1, "pageleave": PAGES + 1}


def processes(profile: Path) -> tuple[int, list[int]]:
    """The process id of the browser with this profile, and those of its tabs."""
    rows = subprocess.run(["ps", "-eww", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout.splitlines()
    table = {int(row.split()[0]): (int(row.split()[1]), row) for row in rows}
    (browser,) = [process for process, (_, row) in table.items() if f"--user-data-dir={profile}" in row and "--type=" not in row]
    tree = {browser}
    for _ in range(4):  # tabs are grandchildren, behind Chromium's zygotes
        tree |= {process for process, (parent, _) in table.items() if parent in tree}
    return browser, [process for process in tree if "--type=renderer" in table[process][1]]


def is_on_disk(folder: Path, name: str) -> bool:
    return any(name.encode() in file.read_bytes() for file in folder.glob("*.log"))


def own_browser(playwright: Playwright, folder: Path) -> BrowserContext:
    return playwright.chromium.launch_persistent_context(folder / "profile", **LAUNCH)


def test_a_killed_tab_loses_and_doubles_nothing(shop: RunningMesh, playwright: Playwright, tmp_path: Path) -> None:
    visitor = Visitor(own_browser(playwright, tmp_path))
    for _ in range(3):
        page = visitor.context.new_page()
        page.goto(demo(shop))
        busy(page)
        with page.expect_event("crash"):
            for process in processes(tmp_path / "profile")[1]:
                os.kill(process, signal.SIGKILL)
        page.close()
    visitor.context.close()
    visitor.use(own_browser(playwright, tmp_path))
    finish(visitor, shop)
    visitor.context.close()


@pytest.mark.parametrize("killed", [False, True])
def test_a_browser_restarted_loses_and_doubles_nothing(shop: RunningMesh, playwright: Playwright, tmp_path: Path, killed: bool) -> None:
    context = own_browser(playwright, tmp_path)
    visitor = Visitor(context)
    page = context.pages[0]
    page.goto(demo(shop))
    busy(page)
    context.set_offline(True)
    busy(page)
    page.wait_for_timeout(500)
    kept = unsent(page)
    assert kept
    if killed:
        on_disk = partial(is_on_disk, tmp_path / "profile/Default/Local Storage/leveldb")
        until(page, lambda: all(map(on_disk, kept)), "Chromium to write localStorage to disk, which it does after five seconds")
        os.kill(processes(tmp_path / "profile")[0], signal.SIGKILL)
    else:
        context.close()
    again = own_browser(playwright, tmp_path)
    visitor.use(again)
    finish(visitor, shop)
    again.close()
