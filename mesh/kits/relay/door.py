"""The address on this machine that takes what programs post."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from mesh.kits.relay.kept import Kept

_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_MOST_BYTES = 100_000_000


@contextmanager
def door(port: int, kept: Kept) -> Iterator[None]:
    """Open while the block runs; raises OSError where the port is taken."""
    server = _Server(port, kept)
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.answering.acquire()  # for good: what is kept was answered, and what comes now is neither, so nobody sends it twice
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, kept: Kept) -> None:
        super().__init__(("127.0.0.1", port), _Taking)
        self.kept, self.answering = kept, threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # who posted went away, which is no fault of ours
            super().handle_error(request, client_address)


class _Taking(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if not (length.isascii() and length.isdigit()) or "transfer-encoding" in self.headers:
            self._refuse(411, "not kept: send it whole, with a Content-Length")
        elif len(length) > 9 or int(length) > _MOST_BYTES:
            self._refuse(413, f"not kept: more than {_MOST_BYTES:,} bytes at once")
        elif len(body := self.rfile.read(int(length))) == int(length):
            with self.server.answering:
                self._answer(*_taken(self.server.kept, self.headers.get("content-encoding"), body))
        else:
            self.close_connection = True  # it was cut off, and who sent it gets no answer

    def _refuse(self, status: int, words: str) -> None:
        """Before its body was read, so nothing else can be read from there."""
        self.close_connection = True
        with self.server.answering:
            self._answer(status, words)

    def _answer(self, status: int, words: str) -> None:
        body = msgspec.json.encode({"statusCode": status, "message": words}) + b"\n"
        self.send_response_only(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        if self.close_connection:
            self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: object) -> None:
        pass


def _taken(kept: Kept, encoding: str | None, body: bytes) -> tuple[int, str]:
    if encoding is not None:
        return 415, f"Content-Encoding {encoding}: send it unpacked, it stays on this machine"
    try:
        kept.take(_lines(body))
    except (msgspec.DecodeError, RecursionError) as wrong:
        return 400, f"neither lines nor an array: {wrong}"
    except OSError as error:
        return 507, f"not kept: {error.strerror}"
    return 200, "kept"


def _lines(body: bytes) -> bytes:
    """An array's elements a line each, as collectd's write_http sends them; anything else as it is."""
    if not body.lstrip().startswith(b"["):
        return body if body.endswith(b"\n") else body + b"\n"
    return b"".join(msgspec.json.format(bytes(one), indent=-1) + b"\n" for one in _ARRAY.decode(body))
