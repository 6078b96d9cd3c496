"""The snippet on a site of another origin than its taps: tokens, public and buffered taps, bounds, and when it stops."""

import datetime as dt
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Playwright, Request

from mesh.grants.keys import SigningKey, dev_key
from mesh.grants.tokens import issue
from mesh.local.workspace import beside
from tests.browser.conftest import LAUNCH
from tests.browser.site import Site
from tests.browser.visitor import Visitor, busy, landed, settle, unsent
from tests.local.conftest import RunningMesh

TAPS = """
version: 1
mesh: test
people: {lead: {email: lead@acme.example}, partner: {email: partner@example.org}}
teams: {growth: [lead]}
defaults:
  thresholds: {age: 1s}
  origins: ["*"]
  schema: {eventType: VARCHAR NOT NULL, ts: TIMESTAMP, x: INTEGER, y: INTEGER, url: VARCHAR, session: VARCHAR}
taps:
  granted: {team: growth, ack: stored}
  public: {team: growth, ack: stored, public: true}
  buffered: {team: growth, public: true}
"""
OpenSite = Callable[..., Site]


@pytest.fixture
def taps(tmp_path: Path) -> Iterator[RunningMesh]:
    """The three taps above, running."""
    mesh = RunningMesh(tmp_path, TAPS)
    mesh.start()
    yield mesh
    if mesh.process is not None:
        mesh.process.kill()
        mesh.process.wait()


@pytest.fixture
def site(taps: RunningMesh) -> Iterator[OpenSite]:
    """Opens a site that sends to one of the taps."""
    sites: list[Site] = []

    def opened(tap: str, more: str = "", tokens: Iterator[str | int] = iter(())) -> Site:
        token = ' data-token="/token"' if tap == "granted" else ""
        sites.append(Site(f"http://127.0.0.1:{taps.port}/taps/{tap}", more + token))
        sites[-1].tokens = tokens
        return sites[-1]

    yield opened
    for each in sites:
        each.close()


def token(mesh: RunningMesh, lasts_s: int = 3600, person: str = "lead", key: SigningKey | None = None) -> str:
    now = dt.datetime.now(dt.UTC)
    made = key or dev_key(beside(mesh.file).keys)
    issued = now + dt.timedelta(seconds=min(0, lasts_s - 60))
    return issue(made, "test/laptop", person, ("granted",), dt.timedelta(seconds=lasts_s) - (issued - now), issued)


def visit(visitor: Visitor, site: Site) -> Page:
    page = visitor.context.pages[0] if visitor.context.pages else visitor.context.new_page()
    page.goto(site.url)
    return page


def compare(visitor: Visitor, mesh: RunningMesh, tap: str) -> None:
    mesh.stop()
    there = landed(mesh, tap)
    assert visitor.ids() - there == Counter(), "missing"
    assert there - visitor.ids() == Counter(), "twice"


def to_taps(visitor: Visitor) -> list[str]:
    return [url for url in visitor.asked if "/taps/" in url]


def test_a_new_token_is_fetched_before_the_old_one_expires_and_kept_between_pages(
    taps: RunningMesh, site: OpenSite, visitor: Visitor
) -> None:
    shop = site("granted", tokens=iter([token(taps, 30), token(taps), token(taps)]))
    page = visit(visitor, shop)
    busy(page)
    settle(page)
    assert shop.handed_out == 2, "one that is good for less than a minute is not waited out"
    settle(visit(visitor, shop))
    assert shop.handed_out == 2
    compare(visitor, taps, "granted")


def test_a_token_that_is_refused_is_replaced_once(taps: RunningMesh, site: OpenSite, visitor: Visitor, tmp_path: Path) -> None:
    stranger = dev_key(tmp_path / "strange")
    shop = site("granted", tokens=iter([token(taps, key=stranger), token(taps)]))
    page = visit(visitor, shop)
    busy(page)
    settle(page)
    assert shop.handed_out == 2
    compare(visitor, taps, "granted")


def test_a_token_the_tap_calls_expired_is_replaced(taps: RunningMesh, site: OpenSite, visitor: Visitor) -> None:
    """The page's clock is ten minutes slow: only the tap's 503 token_expired can tell."""
    shop = site("granted", tokens=iter([token(taps, -300), token(taps)]))
    page = visitor.context.new_page()
    answers: list[int] = []
    page.on("response", lambda response: answers.append(response.status) if "/taps/" in response.url else None)
    page.add_init_script("const now = Date.now; Date.now = () => now() - 600000")
    page.goto(shop.url)
    busy(page)
    settle(page)
    assert answers[0] == 503
    assert shop.handed_out == 2
    compare(visitor, taps, "granted")


def test_it_stops_for_good_when_the_new_token_is_refused_too(taps: RunningMesh, site: OpenSite, visitor: Visitor, tmp_path: Path) -> None:
    strangers = dev_key(tmp_path / "strange")
    shop = site("granted", tokens=itertools.repeat(token(taps, key=strangers)))
    page = visit(visitor, shop)
    page.wait_for_timeout(1500)
    assert (len(to_taps(visitor)), shop.handed_out) == (2, 2)
    busy(page)
    page.wait_for_timeout(1500)
    assert (len(to_taps(visitor)), visitor.types()) == (2, {"pageload": 1})
    assert len(unsent(page)) == 1, "kept for a page with a better token"


def test_it_stops_for_good_when_nobody_granted_it(taps: RunningMesh, site: OpenSite, visitor: Visitor) -> None:
    shop = site("granted", tokens=itertools.repeat(token(taps, person="partner")))
    page = visit(visitor, shop)
    page.wait_for_timeout(1500)
    busy(page)
    page.wait_for_timeout(1500)
    assert (len(to_taps(visitor)), shop.handed_out, visitor.types()) == (1, 1, {"pageload": 1})
    shop.tokens = itertools.repeat(token(taps))
    page.evaluate("sessionStorage.clear()")
    settle(visit(visitor, shop))
    compare(visitor, taps, "granted")


def test_an_endpoint_that_fails_is_asked_again(taps: RunningMesh, site: OpenSite, visitor: Visitor) -> None:
    shop = site("granted", tokens=itertools.chain([500, 503, 429], itertools.repeat(token(taps))))
    page = visit(visitor, shop)
    busy(page)
    settle(page)
    assert shop.handed_out == 4
    compare(visitor, taps, "granted")


def test_a_public_tap_gets_beacons_of_plain_text_with_the_key_in_the_address(taps: RunningMesh, site: OpenSite, visitor: Visitor) -> None:
    shop = site("public")
    sent: list[Request] = []
    visitor.context.on("request", lambda request: sent.append(request) if "/taps/" in request.url else None)
    page = visit(visitor, shop)
    busy(page)
    settle(page)
    page.evaluate("tap.record('mine', {article: 7})")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
    page.wait_for_timeout(300)
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
    page.evaluate("window.same = true")
    busy(page)
    page.goto(shop.url + "other")
    page.go_back(wait_until="commit")
    assert page.evaluate("window.same"), "the page was not restored but loaded anew"
    busy(page)
    settle(visit(visitor, shop))
    browser.close()
    compare(visitor, taps, "public")
    assert (visitor.types()["pageload"], visitor.types()["pageleave"]) == (4, 3)
