"""The edge's HTTP in and out: a request as AWS or the laptop's server hands it over, and the replies all of them get."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tap_runtime.errors import Refused
from tap_runtime.settings import Limits

_GZIP = 16 + zlib.MAX_WBITS
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Request:
    """One HTTP request. Header names are in lower case; `body` is as sent, still encoded."""

    method: str
    headers: Mapping[str, str]
    body: bytes
    idempotency_key: str | None = None


@dataclass(frozen=True)
class Reply:
    """One HTTP answer; the body is JSON."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})


def reply(status: int, content: Mapping[str, Any]) -> Reply:
    """A JSON answer. The ancestor's clients read `statusCode` in the body, so it stands there too."""
    return Reply(status, _encode({"statusCode": status, **content}))


def refusal(refused: Refused) -> Reply:
    """The one shape of every answer that is not 200."""
    content = {"error": refused.code, "message": refused.message, "hint": refused.hint}
    answer = reply(refused.status, content)
    if refused.retry_after_s is None:
        return answer
    return Reply(answer.status, answer.body, {**answer.headers, "retry-after": str(refused.retry_after_s)})


def decoded_body(request: Request, limits: Limits) -> bytes:
    """The body unpacked; raises Refused 413 past a limit, 415 or 400 where it cannot be unpacked."""
    if len(request.body) > limits.body_bytes:
        raise too_large(f"the body has {len(request.body):,} bytes", f"{limits.body_bytes:,} bytes a request")
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return request.body
    if encoding not in ("gzip", "x-gzip"):
        if encoding.replace(" ", "") == "gzip,gzip":
            raise _packed_twice()
        raise Refused(415, "unknown_encoding", "this Content-Encoding is not known here", "send plain text, or Content-Encoding: gzip")
    body = _gunzip(request.body, limits)
    if body.startswith(b"\x1f\x8b"):
        raise _packed_twice()
    return body


def _gunzip(body: bytes, limits: Limits) -> bytes:
    parts: list[bytes] = []
    room = limits.unpacked_bytes + 1
    try:
        while body:
            member = zlib.decompressobj(_GZIP)
            part = member.decompress(body, room)
            parts.append(part)
            room -= len(part)
            if room <= 0:
                raise too_large("the body is too large once unpacked", f"{limits.unpacked_bytes:,} bytes unpacked")
            if not member.eof:
                raise zlib.error("incomplete")
            body = member.unused_data
    except zlib.error:
        raise Refused(400, "unreadable", "the body is not complete gzip", "send the whole gzip stream, or no Content-Encoding") from None
    return b"".join(parts)


def _packed_twice() -> Refused:
    return Refused(413, "too_large", "the body is gzip inside gzip", "compress it once")


def too_large(what: str, limit: str) -> Refused:
    """The 413 that names the limit."""
    return Refused(413, "too_large", what, f"the limit is {limit}; send smaller batches")
