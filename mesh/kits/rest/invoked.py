"""A tap within the account: its function is invoked, which the source's role may do, so that no token is asked and none expires."""

import base64
from collections.abc import Mapping
from typing import Any

import msgspec
import urllib3
from botocore.exceptions import BotoCoreError, ClientError


class _Answer(msgspec.Struct, frozen=True):
    """What a tap's function returns, as for its URL."""

    statusCode: int
    headers: dict[str, str] = {}
    body: str = ""


class Invoked:
    """What `TapClient` posts by in place of HTTP; a tap's address is its function's name. `client` is botocore's, of Lambda."""

    def __init__(self, source: str, client: Any) -> None:
        self._source, self._client = source, client

    def request(self, method: str, url: str, *, body: bytes, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        """The tap's answer, or that of Lambda in its place; raises urllib3's HTTPError where none came."""
        event = {"tapmesh": "take", "source": self._source, "headers": dict(headers), "body": base64.b64encode(body).decode()}
        try:
            told = self._client.invoke(FunctionName=url, Payload=msgspec.json.encode(event))
        except ClientError as error:
            return urllib3.HTTPResponse(status=error.response["ResponseMetadata"]["HTTPStatusCode"])
        except BotoCoreError as error:
            raise urllib3.exceptions.ProtocolError(str(error)) from error
        if "FunctionError" in told:
            return urllib3.HTTPResponse(status=502)
        answer = msgspec.json.decode(told["Payload"].read(), type=_Answer)
        return urllib3.HTTPResponse(answer.body.encode(), answer.headers, answer.statusCode)
