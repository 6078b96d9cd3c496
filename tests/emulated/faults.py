"""A store that misbehaves on command: a proxy in front of S3, one thread a connection."""

import http.client
import re
import socket
import struct
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

from tests.emulated.bring import free_port

Fault = Literal["delay", "cut", "lose-reply", "400", "401", "403", "409", "429", "500", "503"]


@dataclass
class Rule:
    """What happens to the next `times` requests (all: None) of that method whose path matches."""

    fault: Fault
    times: int | None = 1
    method: str | None = None
    path: str = ""
    seconds: float = 0

    def takes(self, method: str, path: str) -> bool:
        """Whether it is for this request."""
        return self.times != 0 and self.method in (None, method) and re.search(self.path, path) is not None


@dataclass(frozen=True)
class Seen:
    """One request that came, and what became of it: the status the sender got, or the fault."""

    method: str
    path: str
    became: str


class FaultyStore:
    """Forwards to `endpoint` until told otherwise; `address` is what the function is given instead."""

    codes: Mapping[str, str] = {"500": "InternalError", "503": "SlowDown", "409": "ConditionalRequestConflict"}
    content_type = "application/xml"

    def __init__(self, endpoint: str) -> None:
        self._target = urlsplit(endpoint).netloc
        self._rules: list[Rule] = []
        self._lock = threading.Lock()
        self.seen: list[Seen] = []
        self.held = 0  # requests that wait for a delay to be over
        self._server: _Server | None = None
        self._port = free_port()  # to come back at
        self.up()

    @property
    def address(self) -> str:
        """The endpoint with the faults in it; the same before and after it was down."""
        return f"http://127.0.0.1:{self._port}"

    def up(self) -> None:
        """Takes connections (again)."""
        if self._server is None:
            self._server = _Server(("127.0.0.1", self._port), _Connection, self)
            threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def down(self) -> None:
        """Refuses every connection and drops those there are."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.drop()
            self._server = None

    def on(self, fault: Fault, times: int | None = 1, *, method: str | None = None, path: str = "", seconds: float = 0) -> None:
        """Adds a rule; of several that take a request the first one counts."""
        with self._lock:
            self._rules.append(Rule(fault, times, method, path, seconds))

    def clear(self) -> None:
        """Forgets all rules."""
        with self._lock:
            self._rules.clear()

    def refusal(self, code: str) -> bytes:
        """What stands in an answer with a fault's status."""
        return f"<Error><Code>{self.codes[code]}</Code></Error>".encode()

    def rule(self, method: str, path: str) -> Rule | None:
        """The rule for a request, used up by one."""
        with self._lock:
            for rule in self._rules:
                if rule.takes(method, path):
                    rule.times = None if rule.times is None else rule.times - 1
                    return rule
        return None

    def forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        """The store's own answer; headers as they were sent, for they are signed."""
        connection = http.client.HTTPConnection(self._target, timeout=30)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], store: FaultyStore) -> None:
        self.store = store
        self._open: set[socket.socket] = set()
        super().__init__(address, handler)

    def process_request(self, request, client_address) -> None:  # type: ignore[no-untyped-def]
        self._open.add(request)
        super().process_request(request, client_address)

    def close_request(self, request) -> None:  # type: ignore[no-untyped-def]
        self._open.discard(request)
        super().close_request(request)

    def drop(self) -> None:
        for connection in list(self._open):
            reset(connection)


def reset(connection: socket.socket) -> None:
    """Ends it so that the other side sees a reset, not an end."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RD)
    except OSError:
        pass
    connection.close()


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: object) -> None:
        pass

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def __getattr__(self, name: str):  # type: ignore[no-untyped-def]
        if name.startswith("do_"):
            return self._any
        raise AttributeError(name)

    def _any(self) -> None:
        store, length = self.server.store, int(self.headers.get("content-length") or 0)
        rule = store.rule(self.command, self.path)
        if rule is not None and rule.fault == "cut":
            self.rfile.read(length // 2)
            self._end("cut")
            return
        body = self.rfile.read(length)
        if rule is not None and rule.fault in store.codes:
            self._answer(int(rule.fault), {"content-type": store.content_type}, store.refusal(rule.fault))
            return
        if rule is not None and rule.fault == "delay":
            store.held += 1
            time.sleep(rule.seconds)
            store.held -= 1
        answer, content = store.forward(self.command, self.path, dict(self.headers), body)
        if rule is not None and rule.fault == "lose-reply":
            self._end("lose-reply")
            return
        self._answer(answer.status, dict(answer.headers), content)

    def _end(self, fault: str) -> None:
        self.server.store.seen.append(Seen(self.command, self.path, fault))
        self.close_connection = True
        reset(self.connection)

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.server.store.seen.append(Seen(self.command, self.path, str(status)))
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        self.send_header("content-length", headers.get("content-length", "0") if self.command == "HEAD" else str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
