"""The pages beside the taps: answered on this machine only, and nothing that changes anything to another site's page."""

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

import msgspec
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mesh.local.live.boxes import Boxes
from mesh.local.live.feed import Feed
from mesh.local.live.view import Looked, View
from mesh.local.running import Running
from tap_runtime.errors import Refused
from tap_runtime.http import refusal

Endpoint = Callable[[Request], Awaitable[Response]]
_LOCAL = {"127.0.0.1", "localhost", "::1"}
_POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:"
_POLICY += "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def pages(running: Running, more: Sequence[BaseRoute] = ()) -> ASGIApp:
    """The app of everything that is not under /taps/."""
    view = View(running)

    def no_such_page(request: Request, error: Exception) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(view.missing("There is no such page here"), 404)
        hint = "taps are at /taps/<tap>, the start page is at /"
        return _response(Refused(404, "no_such_page", "there is no such page", hint))

    return LocalOnly(Starlette(routes=[*_own(running, view), *more], exception_handlers={404: no_such_page}))


class LocalOnly:
    """Refuses other Hosts (DNS rebinding) and other sites' Origins, and gives every answer its policy."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = _refused(Headers(scope=scope))
        if refused is not None:
            await _response(refused)(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("content-security-policy", _POLICY)
                headers["x-content-type-options"] = "nosniff"
                headers["referrer-policy"] = "same-origin"
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await self._app(scope, receive, guarded)


def _refused(headers: Headers) -> Refused | None:
    host = headers.get("host", "")
    if _name(host) not in _LOCAL:
        return Refused(403, "not_local", "this page answers on this machine only", "open http://127.0.0.1 and the port")
    origin = headers.get("origin")
    site = headers.get("sec-fetch-site", "none")
    if origin not in (None, f"http://{host}") or site not in ("none", "same-origin"):
        return Refused(403, "other_site", "this page takes nothing from another site's page", "open it in a tab of its own")
    return None


def _name(host: str) -> str | None:
    """A Host's name without the port; None where it has none."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _own(running: Running, view: View) -> list[BaseRoute]:
    boxes = Boxes(running)

    async def start(request: Request) -> Response:
        looked = Looked(request.query_params.get("tap", ""), request.headers["host"])
        if looked.tap and looked.tap not in running.plans:
            return HTMLResponse(view.missing(f"There is no tap {looked.tap} here"), 404)
        return HTMLResponse(await view.page(looked, dt.datetime.now(dt.UTC)))

    def health(request: Request) -> Response:
        return JSONResponse({"statusCode": 200, "taps": len(running.acceptors), "problems": len(running.problems)})

    return [
        Route("/", start),
        Route("/healthz", health),
        Route("/live/stream", _answering(Feed(running, view).stream)),
        Route("/live/send", _answering(boxes.send), methods=["POST"]),
        Route("/live/query", _answering(boxes.query), methods=["POST"]),
        Mount("/live/static", StaticFiles(packages=[("mesh.local.live", "static")])),
    ]


def _answering(endpoint: Endpoint) -> Endpoint:
    """An endpoint that answers what it raises. (Starlette's own handlers write to the exception, and Refused is frozen.)"""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Refused as refused:
            return _response(refused)
        except msgspec.MsgspecError:
            return _response(Refused(400, "unreadable", "the body is not what this page sends", "load the page again"))

    return answer


def _response(refused: Refused) -> Response:
    answer = refusal(refused)
    return Response(answer.body, answer.status, answer.headers)
