"""A Function URL that HTTP clients can reach: a server in front of a fleet."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.emulated.fleet import Fleet


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        super().__init__(("127.0.0.1", 0), _Connection)


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        asked = urlsplit(self.path)
        answer = self.server.fleet.post(body, dict(self.headers), method=self.command, path=asked.path, query=asked.query)
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_PUT = do_POST


@contextmanager
def function_url(fleet: Fleet) -> Iterator[str]:
    """Its address, while the block runs."""
    server = _Server(fleet)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
