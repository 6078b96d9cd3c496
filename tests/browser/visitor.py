"""A visitor: a browser context whose pages say what the snippet recorded, and nothing may leave this machine."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page

from tests.local.conftest import RunningMesh

# Chromium drops what a page says while it is navigated away from, so that is kept for the next page of the tab to say.
_TELL = """
if (location.protocol === "http:") {
  for (const event of JSON.parse(sessionStorage.unsaid || "[]")) console.debug("recorded " + JSON.stringify(event));
  sessionStorage.unsaid = "[]";
}
addEventListener("tapmesh", ({ detail }) => {
  console.debug("recorded " + JSON.stringify(detail));
  if (detail.eventType === "pageleave") {
    sessionStorage.unsaid = JSON.stringify([...JSON.parse(sessionStorage.unsaid), detail]);
  }
});
"""
_SAID = "recorded "
Id = tuple[str, int]
PATIENCE_MS = 120_000  # Playwright's own half a minute is too little for a busy machine


class Visitor:
    """Keeps every event any page of the context recorded, and every address it asked."""

    def __init__(self, context: BrowserContext) -> None:
        self._said: dict[Id, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.use(context)

    def use(self, context: BrowserContext) -> None:
        """Goes on in another context, as after a restart of the browser."""
        self.context = context
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(_TELL)
        context.on("console", lambda message: self._hear(message.text))
        context.on("request", lambda request: self.asked.append(request.url))

    def _hear(self, text: str) -> None:
        if text.startswith(_SAID):
            event = json.loads(text.removeprefix(_SAID))
            self._said[event["page"], event["n"]] = event

    def ids(self) -> Counter[Id]:
        """Each recorded event, once."""
        return Counter(self._said.keys())

    def events(self) -> list[dict[str, Any]]:
        """Each recorded event."""
        return list(self._said.values())

    def types(self) -> dict[str, int]:
        """Events by type."""
        return dict(Counter(event["eventType"] for event in self._said.values()))

    def strangers(self) -> list[str]:
        """Requests to anywhere but this machine."""
        local = {"127.0.0.1"}
        return [url for url in self.asked if urlsplit(url).scheme not in ("data", "blob") and urlsplit(url).hostname not in local]


def busy(page: Page) -> None:
    """Clicks, moves, types and scrolls."""
    for step in range(8):
        page.mouse.move(60 + 40 * step, 200 + 15 * step)
        page.wait_for_timeout(30)
    page.mouse.click(150, 250)
    page.get_by_label("Search").press_sequentially("cup")
    page.get_by_label("Password").press_sequentially("secret")
    page.mouse.wheel(0, 400)
    page.wait_for_timeout(150)


def landed(mesh: RunningMesh, tap: str = "clicks") -> Counter[Id]:
    """Each event in the lake, as often as it is there."""
    rows = mesh.query(f"select _extra ->> 'page' as page, (_extra ->> 'n')::int as n from {tap}")
    return Counter((row["page"], row["n"]) for row in rows)


def unsent(page: Page) -> list[str]:
    """Batches the snippet keeps in localStorage."""
    return list(page.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('tap '))"))


def settle(page: Page) -> None:
    """Waits until nothing is kept any more."""
    until(page, lambda: not unsent(page), "an answer to what is kept")


def until(page: Page, check: Callable[[], bool], what: str) -> None:
    """Waits until `check` is true; what any page says meanwhile is heard."""
    for _ in range(PATIENCE_MS // 100):
        if check():
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"waited {PATIENCE_MS // 1000} s for {what}")
