"""One request through the accept path: authenticate, unpack, check, keep, answer. No DuckDB, nothing slow."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

from tap_runtime.auth import Authenticator
from tap_runtime.buffered import Buffered
from tap_runtime.decide import KeepCollecting, OpenBatch, decide
from tap_runtime.errors import DiskFull, LakeDown, Refused, SpoolFull
from tap_runtime.http import Reply, Request, decoded_body, refusal, reply
from tap_runtime.intake import Intake, Receipt, Sent
from tap_runtime.lake import Objects
from tap_runtime.records import Checker, Records
from tap_runtime.settings import TapSettings
from tap_runtime.stored import Stored

_MAX_KEY = 256


class Acceptor:
    """A tap that takes requests. Not thread-safe: one request at a time, as in a Lambda environment."""

    def __init__(
        self, settings: TapSettings, store: Objects, spool: Path, random: Callable[[int], bytes], secret: str | None = None
    ) -> None:
        """`secret`: what BoilingData tokens are signed with, where they are taken."""
        self.settings = settings
        self._authenticator = Authenticator(settings, secret)
        self._checker = Checker(settings)
        self._intake: Intake = Stored(settings, store, random) if settings.ack == "stored" else Buffered(settings, store, spool, random)

    def accept(self, request: Request, now: dt.datetime, sender: str | None = None) -> Reply:
        """The answer to one request; 200 only once its lines are as durable as the tap promises.

        `sender`: whose it is known to be, else its token says so."""
        try:
            return self._accept(request, now, sender)
        except Refused as refused:
            return refusal(refused)
        except DiskFull as full:
            hint = "make room there, then send the same request again; nothing of it was acknowledged"
            return refusal(Refused(503, "disk_full", str(full), hint, retry_after_s=5))
        except LakeDown:
            hint = "send the same request again a little later; nothing of it was acknowledged"
            return refusal(Refused(503, "lake_down", "the lake cannot be reached and no batch can be opened", hint, retry_after_s=5))
        except SpoolFull as full:
            hint = "send the same request again a little later; nothing of it was kept"
            return refusal(Refused(503, "spool_full", str(full), hint, retry_after_s=10))

    def due(self, now: dt.datetime) -> tuple[str, ...]:
        """The open batch, if it is to land now; from here on it takes nothing more."""
        opened = self._intake.opened
        return () if opened is None or isinstance(decide(opened, self.settings, now), KeepCollecting) else self.leave()

    def leave(self) -> tuple[str, ...]:
        """The open batch, whether it is due or not; from here on it takes nothing more."""
        return self._intake.leave()

    def seal(self) -> None:
        """Ends the open batch, so that it can land with the settings it was accepted under."""
        self._intake.seal()

    def opened(self) -> OpenBatch | None:
        """The batch that takes records now."""
        return self._intake.opened

    def _accept(self, request: Request, now: dt.datetime, sender: str | None) -> Reply:
        if request.method != "POST":
            raise Refused(405, "not_post", "a tap takes POST only", "send newline-delimited JSON with POST")
        sender = sender or self._authenticator.sender(request, now)
        key = request.headers.get("idempotency-key") or request.idempotency_key
        if key is not None and len(key) > _MAX_KEY:
            raise Refused(
                400, "bad_key", f"the Idempotency-Key is longer than {_MAX_KEY} characters", "send a shorter one, a UUID for example"
            )
        body = decoded_body(request, self.settings.limits)
        records = self._checker.check(body, request.headers.get("content-type", ""))
        receipt = self._intake.keep(Sent(records, sender, body, key, now)) if records.accepted or records.bad else None
        return _answer(records, self.settings.ack, receipt)


def _answer(records: Records, durability: str, receipt: Receipt | None) -> Reply:
    refused = records.refused
    content: dict[str, object] = {
        "received": records.accepted + refused,
        "accepted": records.accepted,
        "quarantined": [{"line": bad.line, "reason": bad.reason} for bad in records.bad],
        "quarantined_count": refused,
        "durability": durability,
        "receipt": None if receipt is None else str(receipt),
    }
    if receipt is not None and receipt.duplicate:
        content["duplicate"] = True
    return reply(200, content)
