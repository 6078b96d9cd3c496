"""Lambda's Extensions API: register, then wait for one event after the other."""

import http.client
from dataclasses import dataclass
from typing import Literal

import msgspec

_ID = "lambda-extension-identifier"


class Event(msgspec.Struct, frozen=True, rename="camel"):
    """INVOKE: a request has come. SHUTDOWN: this environment ends. `deadline_ms` in Unix milliseconds."""

    event_type: Literal["INVOKE", "SHUTDOWN"]
    deadline_ms: int
    request_id: str = ""
    shutdown_reason: str = ""


@dataclass(frozen=True)
class Extension:
    """An external extension that has registered."""

    api: str
    identifier: str

    def next(self) -> Event:
        """Blocks until there is an event; the environment is frozen while all wait."""
        answer, body = _call(self.api, "GET", "event/next", {_ID: self.identifier})
        if answer.status != 200:
            raise RuntimeError(f"the Extensions API answered {answer.status}")
        return msgspec.json.decode(body, type=Event)


def register(api: str, name: str) -> Extension:
    """Registers for INVOKE and SHUTDOWN under the file name Lambda started; `api` is AWS_LAMBDA_RUNTIME_API."""
    answer, _ = _call(api, "POST", "register", {"lambda-extension-name": name}, b'{"events":["INVOKE","SHUTDOWN"]}')
    identifier = answer.headers[_ID]
    if answer.status != 200 or identifier is None:
        raise RuntimeError(f"the Extensions API answered {answer.status}")
    return Extension(api, identifier)


def _call(api: str, method: str, what: str, headers: dict[str, str], body: bytes = b"") -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection(api)
    try:
        connection.request(method, f"/2020-01-01/extension/{what}", body, headers)
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()
