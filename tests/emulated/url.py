"""A Function URL: an HTTP request becomes an event of payload version 2.0, and what the function returns an HTTP answer."""

import base64
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

_TEXT = ("text/", "application/json", "application/javascript", "application/xml")  # AWS hands any other body over in base64
MAX_BYTES = 6 * 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """What the sender gets; `seconds` from sending to the answer, and the environment that gave it."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0
    environment: str = ""

    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


def event(method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """The event as Lambda hands it in."""
    sent = {name.lower(): value for name, value in headers.items()}
    text = None if sent.get("content-encoding") else _text(sent.get("content-type", ""), body)
    request, domain = str(uuid.uuid4()), "tap0.lambda-url.us-east-1.on.aws"
    http = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": sent.get("user-agent", "")}
    content = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"host": domain, "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "https", **sent},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "tap0",
            "domainName": domain,
            "domainPrefix": "tap0",
            "http": http,
            "requestId": request,
            "routeKey": "$default",
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime()),
            "timeEpoch": time.time_ns() // 1_000_000,
        },
        "isBase64Encoded": text is None,
        **({"queryStringParameters": dict(parse_qsl(query, keep_blank_values=True))} if query else {}),
        **({"body": base64.b64encode(body).decode() if text is None else text} if body else {}),
    }
    return json.dumps(content).encode()


def _text(content_type: str, body: bytes) -> str | None:
    if not body or content_type.startswith(_TEXT):
        try:
            return body.decode()
        except UnicodeDecodeError:
            return None
    return None


def answer(returned: bytes) -> Answer:
    """What a function that succeeded has answered; anything without a statusCode is the body of a 200."""
    content = json.loads(returned)
    if not (isinstance(content, dict) and "statusCode" in content):
        return Answer(200, returned, {"content-type": "application/json"})
    body = str(content.get("body") or "")
    raw = base64.b64decode(body) if content.get("isBase64Encoded") else body.encode()
    return Answer(int(content["statusCode"]), raw, content.get("headers") or {})
