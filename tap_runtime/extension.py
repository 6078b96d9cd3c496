"""Lambda's Extensions API: register, then wait for one event after the other."""

import http.client
from typing import Literal

import msgspec

_ID = "lambda-extension-identifier"
_PATH = "/2020-01-01/extension"


class Event(msgspec.Struct, frozen=True, rename="camel"):
    """INVOKE: a request has come. SHUTDOWN: this environment ends. `deadline_ms` in Unix milliseconds."""

    event_type: Literal["INVOKE", "SHUTDOWN"]
    deadline_ms: int
    request_id: str = ""
    shutdown_reason: str = ""


class Extension:
    """An external extension: registers for INVOKE and SHUTDOWN under the file name Lambda started, at AWS_LAMBDA_RUNTIME_API."""

    def __init__(self, api: str, name: str) -> None:
        self._connection = http.client.HTTPConnection(api)  # kept: a new one for each event took half of what an event takes
        body = b'{"events":["INVOKE","SHUTDOWN"]}'
        self._connection.request("POST", f"{_PATH}/register", body, {"lambda-extension-name": name})
        answer = self._connection.getresponse()
        answer.read()
        identifier = answer.headers[_ID]
        if answer.status != 200 or identifier is None:
            raise RuntimeError(f"the Extensions API answered {answer.status}")
        self._headers = {_ID: identifier}

    def ask(self) -> int:
        """Asks for the next event; the descriptor that can be read once there is one. The environment is frozen while all wait."""
        self._connection.request("GET", f"{_PATH}/event/next", headers=self._headers)
        return int(self._connection.sock.fileno())

    def event(self) -> Event:
        """The event that was asked for."""
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"the Extensions API answered {answer.status}")
        return msgspec.json.decode(body, type=Event)
