"""The demo: what it shows of itself, the heat map from the lake, and that it keeps to its own site."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.site import Site
from tests.browser.visitor import Visitor, busy, settle
from tests.kits.example import running
from tests.local.conftest import RunningMesh, free_port

OTHER = """
version: 1
mesh: test
people: {lead: {email: lead@acme.example}}
teams: {growth: [lead], empty: []}
taps:
"""
COLUMNS = "schema: {eventType: VARCHAR, ts: TIMESTAMP, x: INTEGER, y: INTEGER, url: VARCHAR, session: VARCHAR}"


def demo(mesh: RunningMesh, path: str = "?every=300") -> str:
    return f"http://127.0.0.1:{mesh.port}/demo{path}"


@pytest.fixture
def faults(visitor: Visitor) -> Iterator[list[str]]:
    """Errors on the console, refusals by the page's policy among them; there are none."""
    said: list[str] = []
    visitor.context.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    visitor.context.on("weberror", lambda error: said.append(str(error.error)))
    yield said
    assert said == []


def test_the_page_shows_its_own_events_arriving_and_where_mice_went(shop: RunningMesh, visitor: Visitor, faults: list[str]) -> None:
    page = visitor.context.new_page()
    page.goto(demo(shop))
    busy(page)
    page.get_by_text("All of it is in the lake.").wait_for(timeout=60_000)
    shown = {row.split()[0]: row.split()[1:] for row in page.locator("#rows tr").all_inner_texts()}
    assert shown == {kind: [str(count), str(count)] for kind, count in visitor.types().items()}
    settle(page)
    moves = [event for event in visitor.events() if event["eventType"] == "mousemove"]
    page.goto(demo(shop, "/heatmap"))
    page.get_by_text(f"{len(moves)} moves").wait_for()
    alpha = "([x, y]) => document.querySelector('canvas').getContext('2d').getImageData(x, y, 1, 1).data[3]"
    assert all(page.evaluate(alpha, [move["x"], move["y"]]) > 0 for move in moves)
    assert page.evaluate(alpha, [1270, 5]) == 0


def test_the_heat_map_says_when_there_is_nothing_to_draw(shop: RunningMesh, visitor: Visitor, faults: list[str]) -> None:
    page = visitor.context.new_page()
    page.goto(demo(shop, "/heatmap"))
    page.get_by_text("Nothing has landed yet").wait_for()


def test_the_search_filters_and_each_key_is_an_event(shop: RunningMesh, visitor: Visitor) -> None:
    complaints: list[str] = []
    visitor.context.on("console", lambda message: None if message.text.startswith("recorded") else complaints.append(message.text))
    page = visitor.context.new_page()
    page.goto(demo(shop))
    below = "document.querySelector('.sign').getBoundingClientRect().top"
    before = page.evaluate(below)
    page.get_by_label("Search").press_sequentially("tea")
    assert page.locator("article:visible h2").all_inner_texts() == ["Lantern teapot"]
    assert page.evaluate(below) == before
    page.get_by_label("Search").press_sequentially("x")
    page.get_by_text("Nothing here is called “teax”.").wait_for()
    for _ in "teax":
        page.get_by_label("Search").press("Backspace")
    assert page.locator("article:visible").count() == 6
    page.get_by_label("Name").press("Enter")
    assert (page.url, visitor.types()["keydown"], complaints) == (demo(shop), 9, [])


@pytest.mark.parametrize("width", [400, 1280])
def test_buttons_stand_in_line_and_the_heat_maps_word_in_sight(shop: RunningMesh, visitor: Visitor, width: int) -> None:
    page = visitor.context.new_page()
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(demo(shop))
    places = page.locator("article button").evaluate_all("(all) => all.map((one) => one.getBoundingClientRect().top)")
    across = 2 if width == 400 else 3
    assert [places[at] for at in range(0, 6, across) for _ in range(across)] == places
    page.get_by_role("link", name="Heat map").click()
    page.get_by_text("Nothing has landed yet").wait_for()
    assert page.locator("#state").evaluate("(state) => state.getBoundingClientRect().bottom <= innerHeight")
    page.get_by_role("link", name="Live page").click()
    page.get_by_role("link", name="Demo shop").click()
    assert page.url == demo(shop, "")


@pytest.mark.parametrize(
    ("tap", "says"),
    [
        ("orders: {team: growth}", "this mesh has none that is open"),
        (f"clicks: {{team: growth, closed: true, {COLUMNS}}}", "this mesh has none that is open"),
        (f"clicks: {{team: growth, sql: 'select url from events', {COLUMNS}}}", "which lack _extra, eventType, session, ts, x, y"),
        (f"clicks: {{team: growth, extra: drop, {COLUMNS}}}", "which lack _extra"),
        (f"clicks: {{team: empty, {COLUMNS}}}", "nobody may write to it today"),
    ],
)
def test_a_mesh_the_demo_cannot_send_to_says_what_it_lacks(
    tmp_path: Path, visitor: Visitor, faults: list[str], tap: str, says: str
) -> None:
    with running(tmp_path, f"{OTHER}  {tap}\n") as mesh:
        page = visitor.context.new_page()
        page.goto(demo(mesh))
        assert says in page.get_by_role("alert").inner_text()
        assert page.locator("script[data-tap]").count() == 0
        page.goto(demo(mesh, "/heatmap"))
        assert says in page.get_by_role("alert").inner_text()
        refused = mesh.http.request("GET", demo(mesh, "/token"))
        assert (refused.status, says in refused.data.decode()) == (403, True)
        asked = mesh.http.request("GET", demo(mesh, "/moves"))
        assert asked.status in (200, 503), "answered, whatever the lake has"


def test_another_sites_page_gets_no_token_and_no_counts(shop: RunningMesh, visitor: Visitor) -> None:
    site = Site(free_port(), "/nowhere")
    page = visitor.context.new_page()
    page.goto(site.url)
    ask = "(url) => fetch(url).then((answer) => answer.text(), (error) => error.name)"
    assert page.evaluate(ask, demo(shop, "/token")) == page.evaluate(ask, demo(shop, "/counts?session=a")) == "TypeError"
    opaque = "(url) => fetch(url, {mode: 'no-cors'}).then((answer) => answer.type)"
    assert page.evaluate(opaque, demo(shop, "/token")) == "opaque"
    headers = {"sec-fetch-site": "cross-site"}
    assert shop.http.request("GET", demo(shop, "/token"), headers=headers).status == 403
    assert shop.http.request("GET", demo(shop, "/token"), headers={"host": "evil.example"}).status == 403
    site.close()
