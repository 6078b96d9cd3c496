"""The laptop's edge: an ASGI app that hands each POST to its tap's acceptor and answers CORS; everything else is for the pages."""

import datetime as dt
import logging
from collections.abc import Callable
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Receive, Scope, Send

from mesh.local.running import Running
from mesh.plan import cors
from tap_runtime.accept import Acceptor
from tap_runtime.errors import Refused
from tap_runtime.http import Reply, Request, refusal, too_large

_TAPS = "/taps/"
_DRAINED = 64 * 1024 * 1024
_log = logging.getLogger("tapmesh")


class Edge:
    """Routes requests to the taps there are now."""

    def __init__(self, running: Running, pages: ASGIApp, clock: Callable[[], dt.datetime]) -> None:
        self._running, self._pages, self._clock = running, pages, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP request."""
        path = str(scope.get("path", ""))
        if scope["type"] != "http" or not path.startswith(_TAPS):
            await self._pages(scope, receive, send)
            return
        headers = _headers(scope)
        answer, acceptor = await self._tap(path[len(_TAPS) :], scope, headers, receive)
        if answer.status != 204:
            self._running.counts["" if acceptor is None else acceptor.settings.tap].count(answer)
        await _send(send, answer, _cors(acceptor, headers))

    async def _tap(self, name: str, scope: Scope, headers: dict[str, str], receive: Receive) -> tuple[Reply, Acceptor | None]:
        acceptor = self._running.acceptors.get(name)
        if acceptor is None or acceptor.settings.closed:
            hint = f"the taps here: {', '.join(self._running.acceptors)}"
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
        raise too_large(f"the body has more than {limit:,} bytes", f"{limit:,} bytes a request")
    return b"".join(chunks)


def _cors(acceptor: Acceptor | None, headers: dict[str, str]) -> dict[str, str]:
    origin = headers.get("origin")
    if acceptor is None or origin is None or not {origin, "*"} & set(acceptor.settings.origins):
        return {}
    return {
        "access-control-allow-origin": origin,
        "vary": "origin",
        "access-control-allow-methods": ", ".join(cors.METHODS),
        "access-control-allow-headers": ", ".join(cors.HEADERS),
        "access-control-max-age": str(cors.MAX_AGE_S),
    }


async def _send(send: Send, answer: Reply, more: dict[str, str]) -> None:
    headers = {**answer.headers, **more, "content-length": str(len(answer.body))}
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": pairs})
    await send({"type": "http.response.body", "body": answer.body})
