"""Server-sent events: once a second, to each who looks, what has changed since the last time. Nobody looks: nothing is done.

A frame is made when its listener has taken the one before, so a slow one misses frames and holds none up; a frame has the records of
each second since the one before.
"""

import asyncio
import datetime as dt
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from mesh.local.live.counts import SECONDS
from mesh.local.live.view import Looked, View, digest
from mesh.local.running import Running
from tap_runtime.errors import Refused

_MOST = 20
_EVERY_S = 1.0


class Feed:
    """The streams that are open now."""

    def __init__(self, running: Running, view: View) -> None:
        self._running, self._view = running, view
        self._open = 0

    async def stream(self, request: Request) -> Response:
        """GET /live/stream?tap=…"""
        if self._open >= _MOST:
            raise Refused(503, "too_many_pages", f"{_MOST} pages are open already", "close one", retry_after_s=5)
        looked = Looked(request.query_params.get("tap", ""), request.headers["host"])
        return StreamingResponse(self._frames(looked), media_type="text/event-stream")

    async def _frames(self, looked: Looked) -> AsyncIterator[bytes]:
        self._open += 1
        try:
            seen: dict[str, Any] = {}
            told = -SECONDS
            while not self._running.closing.is_set():
                frame = await self._state(looked)
                changed = {name: value for name, value in frame.items() if seen.get(name) != value}
                seen = frame
                now = int(time.monotonic())
                seconds = range(max(told, now - SECONDS + 1), now)
                told = now
                sparks = {"seconds": len(seconds), "records": self._view.rows.records_in(seconds)}
                yield b"data: " + msgspec.json.encode(_sorted_out(changed) | sparks) + b"\n\n"
                await self._pause()
        finally:
            self._open -= 1

    async def _state(self, looked: Looked) -> dict[str, Any]:
        now = dt.datetime.now(dt.UTC)
        parts = await self._view.parts(looked, now)
        return self._view.rows.values(now) | self._view.box(looked, now) | {f"<{name}>": html for name, html in parts.items()}

    async def _pause(self) -> None:
        """To just after the clock's next full second, or until the server ends."""
        wait_s = _EVERY_S - asyncio.get_running_loop().time() % _EVERY_S
        try:
            await asyncio.wait_for(self._running.closing.wait(), wait_s + 0.02)
        except TimeoutError:
            return


def _sorted_out(changed: dict[str, Any]) -> dict[str, Any]:
    """Parts of the page go with their digests: a page that has that version already leaves it alone."""
    parts = {name[1:-1]: [digest(value), value] for name, value in changed.items() if name.startswith("<")}
    values = {name: value for name, value in changed.items() if not name.startswith("<")}
    return {what: these for what, these in (("parts", parts), ("values", values)) if these}
