"""The two boxes: a record to a tap, and SQL over the lake. LocalOnly has turned other sites away before either is reached."""

import asyncio
import contextlib
import datetime as dt
import sys
import tempfile
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mesh.local.live.query import LIMIT_S
from mesh.local.live.tokens import Tokens
from mesh.local.running import Running
from tap_runtime import http
from tap_runtime.errors import Refused

_AT_ONCE = 2
_MOST_BYTES = 1_000_000
_GRACE_S = 5.0
_ENDED = {"error": f"The query was ended: it did not stop after {LIMIT_S} s, took too much memory, or the mesh is stopping."}


class _Record(msgspec.Struct):
    tap: str
    body: str


class _Asked(msgspec.Struct):
    sql: str


class Boxes:
    """What the page may ask of the server."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._tokens = Tokens()
        self._asking = asyncio.Semaphore(_AT_ONCE)

    async def send(self, request: Request) -> Response:
        """POST /live/send {tap, body}: the tap's own answer. The token never leaves the server."""
        record = msgspec.json.decode(await _body(request), type=_Record)
        acceptor = self._running.acceptors.get(record.tap)
        if acceptor is None or acceptor.settings.closed:
            raise Refused(404, "no_such_tap", "there is no such tap", f"the taps here: {', '.join(self._running.acceptors)}")
        now = dt.datetime.now(dt.UTC)
        token = self._tokens.token(self._running.keys.signing, acceptor.settings, now)
        headers = {"content-type": "application/x-ndjson"} | ({"x-bd-authorization": token} if token is not None else {})
        answer = acceptor.accept(http.Request("POST", headers, record.body.encode()), now)
        self._running.counts[record.tap].count(answer)
        return Response(answer.body, answer.status, answer.headers)

    async def query(self, request: Request) -> Response:
        """POST /live/query {sql}: what `query.py` answers, or an error as DuckDB says it."""
        asked = msgspec.json.decode(await _body(request), type=_Asked)
        if self._asking.locked():
            raise Refused(503, "busy", f"{_AT_ONCE} queries are running", "run it again when they have ended", retry_after_s=2)
        async with self._asking:
            return JSONResponse(await self._ask(asked.sql))

    async def _ask(self, sql: str) -> Any:
        """In a process of its own: whatever the statement does, accepting goes on."""
        with tempfile.TemporaryDirectory(prefix="tapmesh-query-") as scratch:
            command = (sys.executable, "-m", "mesh.local.live.query", str(self._running.workspace.lake), scratch)
            pipe = asyncio.subprocess.PIPE
            process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, cwd=scratch, start_new_session=True)
            asked = asyncio.create_task(process.communicate(sql.encode()))
            closing = asyncio.create_task(self._running.closing.wait())
            try:
                await asyncio.wait({asked, closing}, timeout=LIMIT_S + _GRACE_S, return_when=asyncio.FIRST_COMPLETED)
                return msgspec.json.decode(asked.result()[0]) if asked.done() else _ENDED
            except msgspec.DecodeError:
                return _ENDED
            finally:
                closing.cancel()
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await asked


async def _body(request: Request) -> bytes:
    """A JSON body of bounded size; a form of another site could not set its type, were it ever let in."""
    if request.headers.get("content-type") != "application/json":
        raise Refused(415, "not_json", "this takes application/json", "use the page")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise http.too_large(f"the body has more than {_MOST_BYTES:,} bytes", f"{_MOST_BYTES:,} bytes")
    return body
