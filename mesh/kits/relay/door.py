"""The address on this machine that takes what programs post."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec

from mesh.kits.relay.kept import Kept

_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])


@contextmanager
def door(port: int, kept: Kept) -> Iterator[None]:
    """Open while the block runs; raises OSError where the port is taken."""
    answering = threading.Lock()

    class Taking(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            with answering:
                self._answer(*_taken(kept, self.headers.get("content-encoding"), body))

        def _answer(self, status: int, words: str) -> None:
            body = msgspec.json.encode({"statusCode": status, "message": words}) + b"\n"
            self.send_response_only(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *values: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Taking)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        answering.acquire()  # for good: what is kept was answered, and what comes now is neither, so nobody sends it twice
        server.server_close()


def _taken(kept: Kept, encoding: str | None, body: bytes) -> tuple[int, str]:
    if encoding is not None:
        return 415, f"Content-Encoding {encoding}: send it unpacked, it stays on this machine"
    try:
        kept.take(_lines(body))
    except msgspec.DecodeError as wrong:
        return 400, f"neither lines nor an array: {wrong}"
    except OSError as error:
        return 507, f"not kept: {error.strerror}"
    return 200, "kept"


def _lines(body: bytes) -> bytes:
    """An array's elements a line each, as collectd's write_http sends them; anything else as it is."""
    if not body.lstrip().startswith(b"["):
        return body if body.endswith(b"\n") else body + b"\n"
    return b"".join(msgspec.json.format(bytes(one), indent=-1) + b"\n" for one in _ARRAY.decode(body))
