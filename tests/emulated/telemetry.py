"""Lambda's Telemetry API, which the emulator only stubs, as AWS documents it; and the Extensions API, its own or the emulator's.

An extension is given `address` instead of Lambda's. With `address/<host:port>` the Extensions API is the one there.
"""

import http.client
import json
import queue
import threading
import time
import uuid
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Event = dict[str, Any]
_BOUNDS = {"maxItems": (1000, 10_000), "maxBytes": (262_144, 1_048_576), "timeoutMs": (25, 30_000)}
_PORTION = 1000
_STREAMS = ("platform", "function", "extension")


class TelemetryApi:
    """One environment's. `deliver` hands events over as Lambda does: a JSON array a POST, again until it is answered with 200."""

    def __init__(self, available: bool = True) -> None:
        self.available = available
        self.subscribed = threading.Event()
        self.subscription: dict[str, Any] = {}
        self.registered: list[dict[str, Any]] = []
        self.ahead: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._server = _Server(("127.0.0.1", 0), _Connection)
        self._server.api = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "TelemetryApi":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def shutdown(self, within_s: float = 2) -> None:
        """SHUTDOWN, for an extension that asks this API for events."""
        self.ahead.put({"eventType": "SHUTDOWN", "shutdownReason": "spindown", "deadlineMs": int((time.time() + within_s) * 1000)})

    def deliver(self, events: Sequence[Event]) -> None:
        """Waits for the subscription first."""
        assert self.subscribed.wait(60), "nobody subscribed"
        to = urlsplit(self.subscription["destination"]["URI"])
        assert to.hostname == "sandbox.localdomain", to
        for first in range(0, len(events), _PORTION):
            body = json.dumps(events[first : first + _PORTION]).encode()
            while self._post(to.port or 80, to.path or "/", body) != 200:
                time.sleep(0.05)

    def _post(self, port: int, path: str, body: bytes) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            return connection.getresponse().status
        finally:
            connection.close()

    def subscribe(self, wanted: dict[str, Any]) -> tuple[int, str]:
        """What the API answers, and in words what is wrong with the request."""
        if not self.available:
            return 202, '{"errorMessage":"Telemetry API is not supported","errorType":"Telemetry.NotSupported"}'
        buffering = wanted.get("buffering", {})
        wrong = [name for name, value in buffering.items() if not _BOUNDS[name][0] <= value <= _BOUNDS[name][1]]
        wrong += [stream for stream in wanted["types"] if stream not in _STREAMS]
        if wrong or wanted["schemaVersion"] not in ("2022-07-01", "2022-12-13", "2025-01-29") or not wanted["types"]:
            return 400, json.dumps({"errorType": "ValidationError", "errorMessage": f"out of bounds: {wrong}"})
        self.subscription = wanted
        self.subscribed.set()
        return 200, "OK"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    api: TelemetryApi


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: object) -> None:
        pass

    def do_PUT(self) -> None:
        status, said = self.server.api.subscribe(json.loads(self._body()))
        self._answer(status, {}, said.encode())

    def do_POST(self) -> None:
        self._extensions(self._body())

    def do_GET(self) -> None:
        self._extensions(b"")

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def _extensions(self, body: bytes) -> None:
        _, elsewhere, path = self.path.split("/", 2)
        if ":" in elsewhere:
            self._answer(*_asked(elsewhere, self.command, f"/{path}", dict(self.headers), body))
        elif self.command == "POST":
            self.server.api.registered.append({"name": self.headers["Lambda-Extension-Name"], **json.loads(body)})
            facts = {"functionName": "checkout", "functionVersion": "$LATEST", "handler": "app.handler"}
            self._answer(200, {"Lambda-Extension-Identifier": str(uuid.uuid4())}, json.dumps(facts).encode())
        else:
            self._answer(200, {}, json.dumps(self.server.api.ahead.get()).encode())

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _asked(address: str, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(address)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        kept = {name: value for name, value in answer.getheaders() if name.lower().startswith("lambda-")}
        return answer.status, kept, answer.read()
    finally:
        connection.close()
