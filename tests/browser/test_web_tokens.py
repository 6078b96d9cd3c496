"""The snippet and its tokens: fetched in time, replaced once, and when it stops for good."""

import datetime as dt
import itertools
from pathlib import Path

from mesh.grants.keys import SigningKey, laptop_keyring
from mesh.grants.tokens import issue
from mesh.local.workspace import beside
from tests.browser.site import OpenSite, compare, to_taps, visit
from tests.browser.visitor import Visitor, busy, settle, unsent, until
from tests.local.conftest import RunningMesh


def token(mesh: RunningMesh, lasts_s: int = 3600, person: str = "lead", key: SigningKey | None = None) -> str:
    now = dt.datetime.now(dt.UTC)
    made = key or laptop_keyring(beside(mesh.file).keys).signing
    issued = now + dt.timedelta(seconds=min(0, lasts_s - 60))
    return issue(made, "test/laptop", person, ("granted",), dt.timedelta(seconds=lasts_s) - (issued - now), issued)


def answered(visitor: Visitor) -> list[int]:
    """The status of each answer of a tap from now on."""
    answers: list[int] = []
    visitor.context.on("response", lambda response: answers.append(response.status) if "/taps/" in response.url else None)
    return answers


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
    stranger = laptop_keyring(tmp_path / "strange").signing
    shop = site("granted", tokens=iter([token(taps, key=stranger), token(taps)]))
    page = visit(visitor, shop)
    busy(page)
    settle(page)
    assert shop.handed_out == 2
    compare(visitor, taps, "granted")


def test_a_token_the_tap_calls_expired_is_replaced(taps: RunningMesh, site: OpenSite, visitor: Visitor) -> None:
    """The page's clock is ten minutes slow: only the tap's 503 token_expired can tell."""
    shop = site("granted", tokens=iter([token(taps, -300), token(taps)]))
    page, answers = visitor.context.new_page(), answered(visitor)
    page.add_init_script("const now = Date.now; Date.now = () => now() - 600000")
    page.goto(shop.url)
    busy(page)
    settle(page)
    assert answers[0] == 503
    assert shop.handed_out == 2
    compare(visitor, taps, "granted")


def test_it_stops_for_good_when_the_new_token_is_refused_too(taps: RunningMesh, site: OpenSite, visitor: Visitor, tmp_path: Path) -> None:
    strangers = laptop_keyring(tmp_path / "strange").signing
    shop = site("granted", tokens=itertools.repeat(token(taps, key=strangers)))
    answers = answered(visitor)
    page = visit(visitor, shop)
    until(page, lambda: len(answers) == 2, "the refusal")
    page.wait_for_timeout(500)
    assert (len(to_taps(visitor)), shop.handed_out) == (2, 2)
    busy(page)
    page.wait_for_timeout(1500)
    assert (len(to_taps(visitor)), visitor.types()) == (2, {"pageload": 1})
    assert len(unsent(page)) == 1, "kept for a page with a better token"


def test_it_stops_for_good_when_nobody_granted_it(taps: RunningMesh, site: OpenSite, visitor: Visitor) -> None:
    shop = site("granted", tokens=itertools.repeat(token(taps, person="partner")))
    answers = answered(visitor)
    page = visit(visitor, shop)
    until(page, lambda: len(answers) == 1, "the refusal")
    page.wait_for_timeout(500)
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
