"""The web kit as the chaos harness drives it: the demo's page in a real Chromium, clicked at places that are the records' numbers."""

from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

from tests.browser.conftest import LAUNCH, bring_chromium
from tests.kits.sources import Way


class WebPage:
    """A stop closes the browser; its profile stays, and with it what was not sent."""

    name, tap, person, mark = "web", "clicks", "lead", b'"eventType":"click"'
    ids = """select x as id from clicks where "eventType" = 'click'"""

    def start(self, way: Way) -> None:
        bring_chromium()
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch_persistent_context(way.folder / "profile", **LAUNCH)
        self._page = self._browser.pages[0]
        self._page.goto(f"http://{urlsplit(way.url).netloc}/demo?every=300")
        self._height = self._page.evaluate("document.querySelector('.hero').getBoundingClientRect().top + 2")

    def emit(self, first: int, count: int) -> None:
        for number in range(first, first + count):
            self._page.mouse.click(number, self._height)

    def stop(self) -> None:
        self._browser.close()
        self._playwright.stop()
