"""The laptop's edge: an ASGI app that hands each POST to its tap's acceptor, answers CORS, and shows a start page."""

import datetime as dt
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from mesh.local.page import start_page
from tap_runtime.accept import Acceptor
from tap_runtime.errors import Refused
from tap_runtime.http import Reply, Request, refusal, reply, too_large

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_TAPS = "/taps/"
_DRAINED = 64 * 1024 * 1024
_LOCAL = ("127.0.0.1", "localhost", "[::1]")
_log = logging.getLogger("tapmesh")


class Edge:
    """Routes requests to the taps there are now; `taps` and `problems` are replaced on reload."""

    def __init__(self, mesh: str, taps: dict[str, Acceptor], clock: Callable[[], dt.datetime]) -> None:
        self.mesh = mesh
        self.taps = taps
        self.problems: tuple[str, ...] = ()
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP request."""
        if scope["type"] != "http":
            return
        headers = _headers(scope)
        path = str(scope["path"])
        if path.startswith(_TAPS):
            answer, acceptor = await self._tap(path[len(_TAPS) :], scope, headers, receive)
            await _send(send, answer, _cors(acceptor, headers))
        else:
            await _send(send, self._page(path, headers), {})

    async def _tap(self, name: str, scope: Scope, headers: dict[str, str], receive: Receive) -> tuple[Reply, Acceptor | None]:
        acceptor = self.taps.get(name)
        if acceptor is None or acceptor.settings.closed:
            hint = f"the taps here: {', '.join(self.taps)}"
            return refusal(Refused(404, "no_such_tap", "there is no such tap", hint)), None
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            return Reply(204, b"", {}), acceptor
        try:
            body = await _body(receive, acceptor.settings.limits.body_bytes)
            query = parse_qs(scope["query_string"].decode("latin-1")) if scope["query_string"] else {}
            key = query.get("idempotency-key", [None])[0]
            return acceptor.accept(Request(scope["method"], headers, body, key), self._clock()), acceptor
        except Refused as refused:
            return refusal(refused), acceptor
        except Exception as error:
            _log.error("tap %s failed: %s", name, type(error).__name__, exc_info=_log.isEnabledFor(logging.DEBUG))
            hint = "send the same request again; should it persist, tapmesh dev --debug says more"
            return refusal(Refused(500, "our_fault", "this request failed here; nothing of it was acknowledged", hint)), acceptor

    def _page(self, path: str, headers: dict[str, str]) -> Reply:
        host = headers.get("host", "").rpartition(":")[0] or headers.get("host", "")
        if host not in _LOCAL:
            return refusal(Refused(403, "not_local", "this page answers on this machine only", "open http://127.0.0.1 and the port"))
        if path == "/":
            policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
            page_headers = {
                "content-type": "text/html; charset=utf-8",
                "content-security-policy": policy,
                "x-content-type-options": "nosniff",
            }
            return Reply(200, start_page(self.mesh, headers["host"], self.taps, self.problems).encode(), page_headers)
        if path == "/healthz":
            return reply(200, {"taps": len(self.taps), "problems": len(self.problems)})
        return refusal(Refused(404, "no_such_page", "there is no such page", "taps are at /taps/<tap>, the start page is at /"))


def _headers(scope: Scope) -> dict[str, str]:
    found: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name = raw.decode("latin-1")
        found[name] = f"{found[name]},{value.decode('latin-1')}" if name in found else value.decode("latin-1")
    return found


async def _body(receive: Receive, limit: int) -> bytes:
    """The whole body; one past the limit is read to its end, so that the sender gets to see the answer."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body
    chunks, size = [body], len(body)
    while message.get("more_body") and size < _DRAINED:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "unreadable", "the connection closed before the body was complete", "send the request again")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= limit:
            chunks.append(chunk)
    if size > limit:
        raise too_large("the body", f"{limit:,} bytes a request")
    return b"".join(chunks)


def _cors(acceptor: Acceptor | None, headers: dict[str, str]) -> dict[str, str]:
    origin = headers.get("origin")
    if acceptor is None or origin is None or not {origin, "*"} & set(acceptor.settings.origins):
        return {}
    allowed = "content-type, content-encoding, authorization, x-bd-authorization, idempotency-key"
    return {
        "access-control-allow-origin": origin,
        "vary": "origin",
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": allowed,
        "access-control-max-age": "600",
    }


async def _send(send: Send, answer: Reply, more: dict[str, str]) -> None:
    headers = {**answer.headers, **more, "content-length": str(len(answer.body))}
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": pairs})
    await send({"type": "http.response.body", "body": answer.body})
