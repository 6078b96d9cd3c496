"""A REST API that pages in every way the kit knows, throttles, fails, and changes while it is read: a real HTTP server with the
rows of a city's service requests. `/offset` is Socrata's; `/page`, `/cursor`, `/next` and `/link` are the other ways."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

BOROUGHS = ("Bronx", "Brooklyn", "Manhattan", "Queens", "Staten Island")
Row = dict[str, Any]


def request(number: int, minute: int | None = None) -> Row:
    """A service request; its key is its number, it was created that many minutes after 1 November."""
    minute = number if minute is None else minute
    created = f"2026-11-{1 + minute // 1440:02}T{minute // 60 % 24:02}:{minute % 60:02}:00.000"
    return {
        "unique_key": str(number),
        "updated_at": f"{created}Z",
        "created_date": created,
        "borough": BOROUGHS[number % 5],
        "agency": "NYPD",
        "complaint_type": "Noise",
    }


@dataclass
class City:
    """The rows as they are now; `answers` come before the next pages: a status, its headers and body, or None to cut the connection.

    `changes`: what happens to the rows before that request is answered."""

    rows: list[Row]
    answers: list[tuple[int, dict[str, str], bytes] | None] = field(default_factory=list)
    changes: dict[int, Callable[[list[Row]], None]] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    seen_headers: list[dict[str, str]] = field(default_factory=list)
    pause_s: float = 0.0
    port: int = 0

    def url(self, way: str) -> str:
        return f"http://127.0.0.1:{self.port}/{way}.json"

    def answer(self, target: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes] | None:
        """What one GET gets."""
        way, query = urlsplit(target).path[1:].removesuffix(".json"), dict(parse_qsl(urlsplit(target).query))
        self.asked.append(query)
        self.seen_headers.append(headers)
        if (change := self.changes.pop(len(self.asked), None)) is not None:
            change(self.rows)
        if self.answers:
            return self.answers.pop(0)
        since = re.fullmatch(r":?(\w+) >= '(.+)'", query.get("$where", ""))
        name, least = (since[1], since[2]) if since else ("created_date", "")
        ordered = sorted(self.rows, key=lambda row: (row[name], int(row["unique_key"])))
        ordered = [row for row in ordered if row[name] >= least]
        size = min(int(query.get("$limit", 1000)), 1000)
        first = int(query.get("$offset", 0)) or (int(query.get("page", 1)) - 1) * size or int(query.get("after", 0))
        page, more = ordered[first : first + size], first + size < len(ordered)
        following = f"{self.url(way)}?$limit={size}&after={first + size}"
        if way in ("offset", "page"):
            return 200, {}, json.dumps(page, indent=1).encode()
        if way == "link":
            return 200, {"link": f'<{self.url(way)}>; rel="first", <{following}>; rel="next"'} if more else {}, json.dumps(page).encode()
        named = None if not more else str(first + size) if way == "cursor" else following
        return 200, {}, json.dumps({"data": {"requests": page}, "meta": {"next": named}}).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Who asked may be killed; what else goes wrong is seen by who asks."""


@contextmanager
def serving(rows: list[Row]) -> Iterator[City]:
    """The API, until the block ends."""
    city, one_at_a_time = City(rows), threading.Lock()

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            time.sleep(city.pause_s)
            with one_at_a_time:
                answer = city.answer(self.path, {name.lower(): value for name, value in self.headers.items()})
            if answer is None:
                self.close_connection = True
                return
            status, headers, body = answer
            self.send_response(status)
            for name, value in {"content-type": "application/json", "content-length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = _Server(("127.0.0.1", 0), Door)
    city.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield city
    finally:
        server.shutdown()
        server.server_close()
