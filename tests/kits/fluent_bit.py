"""Fluent Bit's http output, emulated: its requests byte for byte, and what it does with every answer, both measured with Fluent Bit 5.1.

Reads the configuration that the kit prints. That no answer at all counts as a retry is its documentation's word, not measured.
"""

import gzip
import random
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.kits.sources import Way

DONE = (200, 201, 202, 204, 205)
AGAIN = (207, 301, 408, 429, 500, 502, 503)
DROPPED = (400, 401, 403, 409, 413, 415, 422)
FASTER = 10  # than the scheduler waits between two tries


@dataclass
class Chunk:
    """Records that are sent together, and again as they are."""

    body: bytes
    tries: int = 0
    due_s: float = 0


def request(output: dict[str, Any], token: str, body: bytes) -> bytes:
    """The whole request for one chunk, by the output's configuration."""
    packed = output.get("compress") == "gzip"
    body = gzip.compress(body, mtime=0) if packed else body
    name, value = output["header"].replace("${TAP_TOKEN}", token).split(" ", 1)
    headers = [
        f"POST {output['uri']} HTTP/1.1",
        f"Host: {output['host']}:{output['port']}",
        f"Content-Length: {len(body)}",
        "Content-Type: application/x-ndjson",
        *(["Content-Encoding: gzip"] if packed else []),
        "User-Agent: Fluent-Bit",
        f"{name}: {value}",
        "Connection: keep-alive",
    ]
    return "\r\n".join(headers).encode() + b"\r\n\r\n" + body


class FluentBit:
    """A source for the harness. What was emitted while it is stopped waits, as with its storage on disk."""

    name, tap, person, mark = "fluent-bit", "logs", "operator", b"number "
    ids = "select regexp_extract(message, 'number (\\d+)', 1)::int as id from logs where message like 'number %'"

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []
        self.dropped = 0
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, way: Way) -> None:
        file = yaml.safe_load(way.printed("kit", "fluent-bit", "--tap", self.tap))
        (self.output,) = file["pipeline"]["outputs"]
        self._base_s, self._cap_s = file["service"]["scheduler.base"], file["service"]["scheduler.cap"]
        assert (self.output["retry_limit"], self.output["name"], self.output["format"]) == ("no_limits", "http", "json_lines")
        self._token_file = Path(file["env"][0]["uri"].removeprefix("file://"))
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def emit(self, first: int, count: int) -> None:
        lines = [
            f'{{"time":"2026-11-23T22:05:54.284295Z","message":"number {one}","level":"info"}}\n' for one in range(first, first + count)
        ]
        self.chunks.append(Chunk("".join(lines).encode()))

    def stop(self) -> None:
        """Its `grace` is over at once: what is left waits for the next start."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(0.05):
            token = self._token_file.read_text().strip()
            for chunk in [one for one in self.chunks if one.due_s <= time.monotonic()]:
                if self._stopping.is_set():
                    return
                self._send(chunk, token)

    def _send(self, chunk: Chunk, token: str) -> None:
        status = _status(self.output["host"], self.output["port"], request(self.output, token, chunk.body))
        if status is None or status in AGAIN:
            chunk.tries += 1
            longest_s = min(self._cap_s, self._base_s * 2**chunk.tries)
            chunk.due_s = time.monotonic() + random.uniform(self._base_s, longest_s) / FASTER
            return
        assert status in DONE or status in DROPPED, f"what it does with a {status} was not measured"
        self.chunks.remove(chunk)
        self.dropped += chunk.body.count(b"\n") if status in DROPPED else 0


def _status(host: str, port: int, content: bytes, timeout_s: float = 3) -> int | None:
    """The answer's, or None where there is none."""
    try:
        with socket.create_connection((host, port), timeout_s) as connection:
            connection.sendall(content)
            first = connection.makefile("rb").readline()
            return int(first.split()[1]) if first else None
    except OSError:
        return None
