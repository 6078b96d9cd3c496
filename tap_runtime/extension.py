"""Lambda's Extensions API: register, then wait for one event after the other.

HTTP is spoken here and not by http.client, whose reading of headers took more CPU in each request than accepting does.
"""

import socket
from collections.abc import Iterator
from typing import Literal

import msgspec

_ID = b"lambda-extension-identifier"
_PATH = "/2020-01-01/extension"


class Event(msgspec.Struct, frozen=True, rename="camel"):
    """INVOKE: a request has come. SHUTDOWN: this environment ends. `deadline_ms` in Unix milliseconds."""

    event_type: Literal["INVOKE", "SHUTDOWN"]
    deadline_ms: int
    request_id: str = ""
    shutdown_reason: str = ""


_events = msgspec.json.Decoder(Event)


class Extension:
    """An external extension: registers for INVOKE and SHUTDOWN under the file name Lambda started, at AWS_LAMBDA_RUNTIME_API."""

    def __init__(self, api: str, name: str) -> None:
        host, _, port = api.partition(":")
        self._connection = socket.create_connection((host, int(port)))
        self._answers = self._connection.makefile("rb")
        body = '{"events":["INVOKE","SHUTDOWN"]}'
        said = f"Host: {api}\r\nLambda-Extension-Name: {name}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        self._connection.sendall(f"POST {_PATH}/register HTTP/1.1\r\n{said}".encode())
        headers, _ = self._answer()
        identifier = headers[_ID].decode()
        self._next = f"GET {_PATH}/event/next HTTP/1.1\r\nHost: {api}\r\n{_ID.decode()}: {identifier}\r\n\r\n".encode()

    def ask(self) -> int:
        """Asks for the next event; the descriptor that can be read once there is one. The environment is frozen while all wait."""
        self._connection.sendall(self._next)
        return self._connection.fileno()

    def event(self) -> Event:
        """The event that was asked for."""
        _, body = self._answer()
        return _events.decode(body)

    def _answer(self) -> tuple[dict[bytes, bytes], bytes]:
        """Headers, named in lower case, and body; raises RuntimeError for anything but a 200."""
        status = self._answers.readline()
        headers = {}
        while line := self._answers.readline().strip():
            name, _, value = line.partition(b":")
            headers[name.lower()] = value.strip()
        if status[9:12] != b"200":
            raise RuntimeError(f"the Extensions API answered {status.decode().strip() or 'nothing'}")
        length = headers.get(b"content-length")
        return headers, b"".join(self._chunks()) if length is None else self._answers.read(int(length))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self._answers.readline().partition(b";")[0], 16):
            yield self._answers.read(size)
            self._answers.readline()
        while self._answers.readline().strip():
            pass
