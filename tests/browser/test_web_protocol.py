"""The snippet on a site of another origin than its taps: public and buffered taps, bounds, what it leaves alone."""

import json
from collections import Counter
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Playwright, Request

from tests.browser.conftest import LAUNCH
from tests.browser.site import OpenSite, compare, to_taps, visit
from tests.browser.visitor import Visitor, busy, landed, settle, unsent, until
from tests.local.conftest import RunningMesh


def test_a_public_tap_gets_beacons_of_plain_text_with_the_key_in_the_address(taps: RunningMesh, site: OpenSite, visitor: Visitor) -> None:
    shop = site("public")
    sent: list[Request] = []
    visitor.context.on("request", lambda request: sent.append(request) if "/taps/" in request.url else None)
    page = visit(visitor, shop)
    busy(page)
    settle(page)
    page.evaluate("tap.record('mine', {article: 7})")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
    until(page, lambda: sent[-1].resource_type == "ping", "the beacon")
    assert {request.headers["content-type"] for request in sent} == {"text/plain;charset=UTF-8"}
    assert {request.resource_type for request in sent} == {"fetch", "ping"}
    assert len({parse_qs(urlsplit(request.url).query)["idempotency-key"][0] for request in sent}) == len(sent)
    settle(visit(visitor, shop))
    compare(visitor, taps, "public")


def test_a_buffered_tap_gets_nothing_twice_when_all_goes_well(taps: RunningMesh, site: OpenSite, visitor: Visitor) -> None:
    shop = site("buffered")
    for _ in range(4):
        busy(visit(visitor, shop))
        visitor.context.pages[0].wait_for_timeout(500)
    settle(visit(visitor, shop))
    compare(visitor, taps, "buffered")


def test_what_is_kept_offline_is_bounded_and_what_went_is_counted(taps: RunningMesh, site: OpenSite, visitor: Visitor) -> None:
    page = visit(visitor, site("public"))
    settle(page)
    visitor.context.set_offline(True)
    page.evaluate("for (let i = 0; i < 300; i++) tap.record('big', {text: 'ä'.repeat(5000)})")
    page.evaluate("tap.record('too big', {text: 'x'.repeat(20000)})")
    kept = page.evaluate("Object.keys(localStorage).reduce((sum, name) => sum + localStorage[name].length, 0)")
    assert 900_000 < kept < 1_050_000
    visitor.context.set_offline(False)
    settle(page)
    taps.stop()
    dropped = taps.query("select sum((_extra ->> 'events')::int)::int as n from public where \"eventType\" = 'dropped'")[0]["n"]
    there = landed(taps, "public")
    assert there - visitor.ids() == Counter(), "twice"
    assert (visitor.ids() - there).total() + 1 == dropped
    assert dropped > 90


def test_what_waits_when_a_page_goes_is_split_under_64_kb(taps: RunningMesh, site: OpenSite, visitor: Visitor) -> None:
    sizes: list[int] = []
    visitor.context.on("request", lambda request: sizes.append(len(request.post_data_buffer or b"")))
    shop = site("public")
    page = visit(visitor, shop)
    settle(page)
    page.evaluate("for (let i = 0; i < 60; i++) tap.record('big', {text: '\u20ac'.repeat(5000)})")
    settle(visit(visitor, shop))
    assert 40_000 < max(sizes) < 65_536
    compare(visitor, taps, "public")


def test_a_tab_that_slept_never_appends_to_a_batch_another_has_sent(taps: RunningMesh, site: OpenSite, visitor: Visitor) -> None:
    shop = site("public")
    asleep = visitor.context.new_page()
    asleep.add_init_script("window.setTimeout = () => 1")
    asleep.goto(shop.url)
    assert len(unsent(asleep)) == 1
    other = visitor.context.new_page()
    other.goto(shop.url)
    settle(other)
    asleep.evaluate("tap.record('awake')")
    asleep.evaluate("dispatchEvent(new Event('online'))")
    settle(asleep)
    compare(visitor, taps, "public")


def test_neither_keys_nor_passwords_are_recorded(taps: RunningMesh, site: OpenSite, visitor: Visitor) -> None:
    page = visit(visitor, site("public"))
    for label in ("Search", "Password", "Shown"):
        page.get_by_label(label).press_sequentially("qz")
    settle(page)
    taps.stop()
    keys = taps.query("select _extra from public where \"eventType\" = 'keydown'")
    assert len(keys) == 2
    assert all(set(json.loads(key["_extra"])) == {"page", "n"} for key in keys)


@pytest.mark.parametrize(("option", "events"), [("data-gpc", 0), ("", 1)])
def test_global_privacy_control_is_respected_by_option(site: OpenSite, visitor: Visitor, option: str, events: int) -> None:
    visitor.context.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
    page = visit(visitor, site("public", option))
    until(page, lambda: len(to_taps(visitor)) >= events, "what it sends")
    page.wait_for_timeout(800)
    assert (len(visitor.ids()), len(to_taps(visitor))) == (events, events)


def test_errors_are_events_and_only_what_is_asked_for_is_recorded(taps: RunningMesh, site: OpenSite, visitor: Visitor) -> None:
    page = visit(visitor, site("public", 'data-events="error, click"'))
    page.evaluate("setTimeout(() => { throw new Error('broken') }); Promise.reject(new Error('unkept')); 0")
    busy(page)
    settle(page)
    compare(visitor, taps, "public")
    assert visitor.types() == {"error": 2, "click": 1}
    messages = taps.query("select _extra ->> 'message' as said from public where \"eventType\" = 'error' order by all")
    assert [row["said"] for row in messages] == ["Error: unkept", "Uncaught Error: broken"]


def test_stop_forgets_what_was_not_sent(site: OpenSite, visitor: Visitor) -> None:
    page = visit(visitor, site("public"))
    page.evaluate("tap.stop()")
    busy(page)
    page.wait_for_timeout(800)
    assert (unsent(page), to_taps(visitor), visitor.types()) == ([], [], {"pageload": 1})


def test_a_page_back_from_the_browsers_cache_goes_on(taps: RunningMesh, site: OpenSite, playwright: Playwright) -> None:
    browser = playwright.chromium.launch(**LAUNCH, ignore_default_args=["--disable-back-forward-cache"])
    visitor = Visitor(browser.new_context())
    shop = site("public")
    page = visit(visitor, shop)
    left = 0
    while not page.evaluate("window.same === true"):  # Chromium keeps a page that was left where it likes to, else it is loaded anew
        assert left < 10, "the page was never restored"
        page.evaluate("window.same = true")
        busy(page)
        page.goto(shop.url + "other")
        page.go_back(wait_until="commit")
        left += 1
    busy(page)
    settle(visit(visitor, shop))
    browser.close()
    compare(visitor, taps, "public")
    assert (visitor.types()["pageload"], visitor.types()["pageleave"]) == (2 * left + 2, 2 * left + 1)
