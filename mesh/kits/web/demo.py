"""`/demo`: a small shop that uses the snippet against the tap `clicks`, and a heat map of what the lake says of it."""

import datetime as dt
from collections.abc import Callable
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import duckdb
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from mesh.grants.rights import ANYONE
from mesh.grants.tokens import issue
from mesh.kits.web.seen import TAP, arrived, moves, unfit
from mesh.lake.place import NoLake
from mesh.local.live.tokens import sender
from mesh.local.running import Running
from mesh.local.workspace import STACK
from mesh.plan import issuer
from tap_runtime.errors import LakeDown
from tap_runtime.settings import TapSettings

_HERE = Path(__file__).parent
_SERVED = {"tap.min.js": "text/javascript", "demo.js": "text/javascript", "heatmap.js": "text/javascript", "demo.css": "text/css"}
_TOKEN_LASTS = dt.timedelta(hours=1)
_EVERY_MS = 2000
_SNIPPET = '<script defer src="/demo/tap.min.js" data-tap="/taps/{tap}"{token} data-every="{every}"></script>'


def demo(running: Running, clock: Callable[[], dt.datetime]) -> list[BaseRoute]:
    """The demo's pages and what they ask for. SQL runs in Starlette's threads: none of these is a coroutine."""

    def shop(request: Request) -> Response:
        settings = _settings(running)
        lacks = unfit(settings, clock().date())
        if settings is None or lacks:
            return _page("shop", notice=lacks, scripts=_script("demo.js"))
        return _page("shop", _file("aside.html"), scripts=_script("demo.js") + _snippet(settings, _every(request)))

    def heatmap(request: Request) -> Response:
        lacks = unfit(_settings(running), clock().date())
        return _page("heat", notice=lacks) if lacks else _page("heat", _file("legend.html"), scripts=_script("heatmap.js"))

    def token(request: Request) -> Response:
        settings = _settings(running)
        lacks = unfit(settings, clock().date())
        if settings is None or lacks:
            return PlainTextResponse(lacks, 403)
        return PlainTextResponse(_token(running, settings, clock()))

    def counts(request: Request) -> Response:
        return _asked(lambda: arrived(running.workspace.lake, request.query_params.get("session", "")))

    def moved(request: Request) -> Response:
        return _asked(lambda: moves(running.workspace.lake, request.query_params.get("wide") == "1"))

    pages = {"/demo": shop, "/demo/heatmap": heatmap, "/demo/token": token, "/demo/counts": counts, "/demo/moves": moved}
    return [Route(path, answer) for path, answer in pages.items()] + [_served(name, kind) for name, kind in _SERVED.items()]


def _served(name: str, kind: str) -> BaseRoute:
    def answer(request: Request) -> Response:
        return Response((_HERE / name).read_bytes(), media_type=kind)

    return Route(f"/demo/{name}", answer)


def _settings(running: Running) -> TapSettings | None:
    return running.plans[TAP].settings if TAP in running.plans else None


def _token(running: Running, settings: TapSettings, now: dt.datetime) -> str:
    writer = sender(settings, now.date()) or ANYONE  # of a public tap, which does not ask
    return issue(running.keys.signing, issuer(running.mesh, STACK), writer, (TAP,), _TOKEN_LASTS, now)


def _every(request: Request) -> int:
    """`/demo?every=300`: how long the snippet collects before it sends, for the impatient and for tests."""
    asked = request.query_params.get("every", "")
    return min(max(int(asked), 100), 60_000) if asked.isdecimal() and len(asked) < 6 else _EVERY_MS


def _snippet(settings: TapSettings, every_ms: int) -> str:
    return _SNIPPET.format(tap=TAP, token="" if settings.public else ' data-token="/demo/token"', every=every_ms)


def _file(name: str) -> str:
    return (_HERE / name).read_text()


def _script(name: str) -> str:
    """Before the snippet: it listens to what that records."""
    return f'<script defer src="/demo/{name}"></script>'


def _page(kind: str, aside: str = "", notice: str = "", scripts: str = "") -> Response:
    told = f'<p class="notice" role="alert">{escape(notice)}</p>' if notice else ""
    shell = Template(_file("demo.html"))
    return HTMLResponse(shell.substitute(kind=kind, notice=told, shop=_file("shop.html"), aside=aside, scripts=scripts))


def _asked(ask: Callable[[], Any]) -> Response:
    try:
        return JSONResponse(ask())
    except (duckdb.Error, NoLake, LakeDown) as error:  # no tap of that name in the lake yet, or files of another shape
        return PlainTextResponse(str(error), 503)
