"""Lambda's entry of the handler: a Function URL event -> accept -> the answer; then the lander hears what is to land.

Settings come from the object the environment names, once, when the environment starts; everything is imported then too.
"""

import datetime as dt
import os
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec

from tap_runtime import report
from tap_runtime.accept import Acceptor
from tap_runtime.ask import LinkedStore
from tap_runtime.errors import LakeDown, Refused
from tap_runtime.http import Reply, Request, refusal
from tap_runtime.link import Done
from tap_runtime.settings import BOILINGDATA_SECRET, SOCKET, SPOOL, TapSettings, environment, read_settings

_START_S = 5.0
_LONGEST_HOLD_MS = 5_000


class Asked(msgspec.Struct, frozen=True):
    """An event of the mesh itself, let in by a role: the steward's, to land what is open here, or the batch with segments that it names; or
    a declared source's, to take what it has read.

    A flush is held so long that all that were sent with it reach other environments.
    """

    tapmesh: str
    batch: str | None = None
    hold_ms: int = 0
    source: str | None = None
    headers: dict[str, str] = {}
    body: bytes = b""


class Function:
    """One environment's handler."""

    def __init__(self, settings: TapSettings, store: LinkedStore, spool: Path, secret: str | None = None) -> None:
        self._settings, self._store = settings, store
        self._acceptor = Acceptor(settings, store, spool, os.urandom, secret)

    def answer(self, event: dict[str, Any], request: str, now: dt.datetime) -> dict[str, Any]:
        """The response to one event; the lander is told in any case that it is on its way. `request`: its id."""
        done = Done(request)
        try:
            if "requestContext" in event:
                answer = self._acceptor.accept(_request(event), now)
            elif (asked := msgspec.convert(event, Asked)).source is None:
                done = self._ask(asked, request)
                return {"statusCode": 200}
            else:
                answer = self._acceptor.accept(Request("POST", asked.headers, asked.body), now, f"source:{asked.source}")
            done = self._landing(request, self._acceptor.due(now))
            return _response(answer)
        except Exception as error:
            _say("our_fault", tap=self._settings.tap, code=type(error).__name__)  # never the payload: messages of errors may quote it
            hint = "send the same request again; should it persist, the function's log says more"
            return _response(refusal(Refused(500, "our_fault", "this request failed here; nothing of it was acknowledged", hint)))
        finally:
            self._store.done(done)

    def _ask(self, asked: Asked, request: str) -> Done:
        if asked.batch is not None:
            return Done(request, stored=(asked.batch,))
        time.sleep(min(asked.hold_ms, _LONGEST_HOLD_MS) / 1000)
        return self._landing(request, self._acceptor.leave())

    def _landing(self, request: str, batches: tuple[str, ...]) -> Done:
        return Done(request, stored=batches) if self._settings.ack == "stored" else Done(request, spooled=batches)


def _request(event: dict[str, Any]) -> Request:
    body = event.get("body") or ""
    key = parse_qs(event["rawQueryString"]).get("idempotency-key", [None])[0] if event.get("rawQueryString") else None
    raw = msgspec.convert(body, bytes) if event.get("isBase64Encoded") else body.encode()  # a quarter of what base64 takes
    return Request(event["requestContext"]["http"]["method"], event.get("headers") or {}, raw, key)


def _response(answer: Reply) -> dict[str, Any]:
    return {"statusCode": answer.status, "headers": dict(answer.headers), "body": answer.body.decode()}


def _say(event: str, **more: str) -> None:
    print(report.plain(event, **more), flush=True)


def _started() -> Function | None:
    try:
        store = LinkedStore(SOCKET, _START_S)
        body = store.get(environment("TAPMESH_SETTINGS") or "")
        if body is None:
            raise LakeDown("there is no such settings object")
    except LakeDown as error:
        _say("not_started", why=str(error))
        return None
    return Function(read_settings(body), store, SPOOL, environment(BOILINGDATA_SECRET))


_function = _started() if environment("TAPMESH_SETTINGS") is not None else None


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """What Lambda calls."""
    global _function
    _function = _function or _started()
    if _function is None:
        hint = "send the same request again a little later; nothing of it was acknowledged"
        return _response(refusal(Refused(503, "lake_down", "the lake cannot be reached and the tap cannot start", hint, retry_after_s=5)))
    return _function.answer(event, context.aws_request_id, dt.datetime.now(dt.UTC))
