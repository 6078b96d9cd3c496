"""The query box in a real Chromium: charts, tables too wide, the query for what the page has no room for."""

import re

from tests.browser.reader import Reader
from tests.local.conftest import RunningMesh

NO_RECORDS = [
    "[]",
    "1",
    "null",
    '"x"',
    "true",
    "{",
    '{"a":}',
    '{"a":1,}',
    "{'a':1}",
    "{} {}",
    '{"kind":"\\x"}',
]  # each for a reason of its own


def test_a_query_is_drawn_and_errors_are_duckdbs(reader: Reader, mesh: RunningMesh) -> None:
    page = reader.open()
    page.fill("#sql", "select * from (values ('<b>a</b>', 2), ('b', 1)) as t(name, n)")
    page.press("#sql", "Control+Enter")
    page.wait_for_selector("#chart .bar")
    assert page.locator("#chart .bar").count() == 2
    assert page.locator("#chart .label").all_inner_texts() == ["<b>a</b>", "b"]
    assert page.inner_text("#rows tbody tr >> nth=0").split("\t") == ["<b>a</b>", "2"]
    page.fill("#sql", "select nothing")
    page.click("#query button:text('Run')")
    page.wait_for_selector("#said >> text=Binder Error")
    assert page.locator("#chart .bar, #rows td").count() == 0
    for title in page.locator(".chip").all_inner_texts():
        page.click(f".chip:text-is('{title}')")
        page.wait_for_selector("#query .chip:enabled")
        assert re.match(r"\d+ rows? in", page.inner_text("#said"))


def test_a_wide_result_scrolls_in_its_own_box_and_a_long_value_shows_whole_with_the_focus(reader: Reader, mesh: RunningMesh) -> None:
    page = reader.open(viewport={"width": 1280, "height": 900})
    long = "a value of some length " * 20
    columns = ", ".join(f"'value number {number}' as column_{number}" for number in range(25))
    page.fill("#sql", f"select '{long}' as long, {columns}")
    page.press("#sql", "Control+Enter")
    page.wait_for_selector("#rows td")
    assert page.evaluate("document.documentElement.scrollWidth") == 1280
    assert page.evaluate("(({scrollWidth, clientWidth}) => scrollWidth > 2 * clientWidth)(document.getElementById('rows'))")
    heights = "[...document.querySelectorAll('#rows td')].map((cell) => cell.offsetHeight)"
    assert max(page.evaluate(heights)) < 40, "one line"
    cell = page.locator("#rows td >> nth=0")
    assert (cell.get_attribute("title"), cell.evaluate("(cell) => cell.offsetWidth <= 330")) == (long, True)
    page.focus("#rows")
    page.keyboard.press("Tab")
    assert cell.evaluate("(cell) => cell === document.activeElement && cell.offsetHeight > 100")


def test_more_reasons_are_queried_from_where_they_are_counted(reader: Reader, mesh: RunningMesh) -> None:
    page = reader.open()
    page.fill("#record", "\n".join(NO_RECORDS))
    page.click("#send button")
    page.click("text=3 more reasons: query them all")
    page.wait_for_selector("#rows tbody tr >> nth=10")
    assert page.locator("#chart .bar").count() == len(NO_RECORDS)
