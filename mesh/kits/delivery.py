"""The rule all kits share: a bookmark moves only past what is as safe as was asked for."""

import threading
import time
from collections.abc import Callable

from mesh.client import TapClient
from mesh.faults import SendFailed
from mesh.receipt import Sent

_TOLD_EVERY_S = 15.0


class KitFailed(Exception):
    """A kit cannot go on; says why, and in `hint` what to do."""

    def __init__(self, why: str, hint: str) -> None:
        super().__init__(why)
        self.hint = hint


class _Tally:
    """What was delivered, by all threads."""

    def __init__(self, tell: Callable[[str], None], clock: Callable[[], float]) -> None:
        self.records = self.quarantined = 0
        self._tell, self._clock, self._told_at_s = tell, clock, clock()
        self._lock = threading.Lock()

    def add(self, sent: Sent) -> None:
        with self._lock:
            self.records += sum(receipt.received for receipt in sent.receipts)
            self.quarantined += sum(receipt.quarantined_count for receipt in sent.receipts)
            if self._clock() - self._told_at_s >= _TOLD_EVERY_S:
                self._told_at_s = self._clock()
                self._tell(f"{self.records:,} records so far, {self.quarantined:,} in quarantine")


class Delivery:
    """A kit's way to its tap. Counts records that were delivered, and those of them that went to quarantine; `tell` hears now and then."""

    def __init__(
        self,
        client: TapClient,
        accept_loss: bool,
        tell: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._accept_loss, self._tally = client, accept_loss, _Tally(tell, clock)

    def another(self) -> "Delivery":
        """One for another thread; what it delivers counts here too."""
        other = Delivery(self._client.another(), self._accept_loss)
        other._tally = self._tally
        return other

    @property
    def records(self) -> int:
        """How many were delivered."""
        return self._tally.records

    @property
    def quarantined(self) -> int:
        """How many of them went to quarantine."""
        return self._tally.quarantined

    def start(self) -> str:
        """Tries the tap out; `stored` or `buffered`. Raises SendFailed, or KitFailed where loss would have to be accepted first."""
        ack = self._client.ack()
        self._insist(ack == "stored")
        return ack

    def send(self, lines: bytes, key: str | None = None) -> None:
        """Once this returns, the bookmark may move past these lines. The same lines under the same key count once on a stored tap.

        Tries for ever; raises SendFailed when the tap will not take them, or the end was asked for meanwhile."""
        sent = self._client.send(lines, key)
        if sent.too_large:
            line = len(lines.split(b"\n")[sent.too_large[0]])
            what = f"a record of {line:,} bytes is larger than the tap takes"
            raise SendFailed(what, "give the tap more memory, its limits grow with it", status=413)
        self._insist(sent.stored)
        self._tally.add(sent)

    def _insist(self, stored: bool) -> None:
        if not stored and not self._accept_loss:
            hint = "set ack: stored for it in taps.yaml, or accept that loss with --accept-loss"
            raise KitFailed(f"{self._client.url} is buffered: it may lose what the kit would not send again", hint)
