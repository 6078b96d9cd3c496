"""Somebody who reads the live page, and the mesh it is of."""

from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.visitor import PATIENCE_MS
from tests.local.conftest import RunningMesh

TAPS = """
version: 1
mesh: shop
people: {lead: {email: lead@acme.example}}
teams: {growth: [lead]}
defaults: {thresholds: {age: 1s}}
taps:
  clicks: {team: growth, schema: {kind: VARCHAR NOT NULL, x: INTEGER}}
  orders: {team: growth, public: true, about: Orders of the shop}
"""


class Reader:
    """Somebody who opens the page; remembers what the browser complained of (its policy, scripts) and requests that left this machine."""

    def __init__(self, chromium: Browser, mesh: RunningMesh) -> None:
        self._chromium, self._mesh = chromium, mesh
        self.contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def context(self, **options: Any) -> BrowserContext:
        """A browser session of its own."""
        context = self._chromium.new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        context.on("request", lambda request: self._look(request.url))
        self.contexts.append(context)
        return context

    def _look(self, url: str) -> None:
        if not url.startswith("http://127.0.0.1:"):
            self.complaints.append(url)

    def open(self, tap: str = "clicks", **options: Any) -> Page:
        """The page, once it is live."""
        page = self.context(**options).new_page()
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(f"http://127.0.0.1:{self._mesh.port}/?tap={tap}")
        page.wait_for_selector("[data-state=live]")
        return page
