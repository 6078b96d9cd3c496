"""A site of its own origin with the snippet on its page, and an endpoint that hands out the tokens a test gives it."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from playwright.sync_api import Page

from tests.browser.test_snippet_file import WEB
from tests.browser.visitor import Visitor, landed
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
_PAGE = """<!doctype html><title>site</title><link rel="icon" href="data:,">
<script defer src="/tap.min.js" data-tap="{tap}" data-every="300" {more}></script>
<body style="height: 3000px"><label>Search <input></label><label>Password <input type="password"></label>
<label>Shown <input autocomplete="current-password"></label></body>"""


class Site:
    """`tap`: where its page sends; `more`: further attributes of the script tag."""

    def __init__(self, tap: str, more: str = "") -> None:
        self.page = _PAGE.format(tap=tap, more=more)
        self.tokens: Iterator[str | int] = iter(())
        self.handed_out = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stops serving."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, type and body of a GET. A token that is a number is the status of the answer instead."""
        if path == "/tap.min.js":
            return 200, "text/javascript", (WEB / "tap.min.js").read_bytes()
        if path != "/token":
            return 200, "text/html", self.page.encode()
        self.handed_out += 1
        token = next(self.tokens)
        return (token, "text/plain", b"") if isinstance(token, int) else (200, "text/plain", token.encode())

    def _handler(site) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, kind, body = site.answer(self.path)
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *said: object) -> None:
                """Says nothing."""

        return Handler


OpenSite = Callable[..., Site]


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
