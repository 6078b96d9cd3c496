"""The rule all kits share: a bookmark moves only past what is as safe as was asked for."""

import time
from collections.abc import Callable

from mesh.client import TapClient
from mesh.faults import SendFailed

_TOLD_EVERY_S = 15.0


class KitFailed(Exception):
    """A kit cannot go on; says why, and in `hint` what to do."""

    def __init__(self, why: str, hint: str) -> None:
        super().__init__(why)
        self.hint = hint


class Delivery:
    """A kit's way to its tap. Counts records that were delivered, and those of them that went to quarantine; `tell` hears now and then."""

    def __init__(
        self,
        client: TapClient,
        accept_loss: bool,
        tell: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._accept_loss, self._tell, self._clock = client, accept_loss, tell, clock
        self._told_at_s = clock()
        self.records = self.quarantined = 0

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
            raise SendFailed(
                f"a record of {line:,} bytes is larger than the tap takes", "give the tap more memory, its limits grow with it"
            )
        self._insist(sent.stored)
        self.records += sum(receipt.received for receipt in sent.receipts)
        self.quarantined += sum(receipt.quarantined_count for receipt in sent.receipts)
        if self._clock() - self._told_at_s >= _TOLD_EVERY_S:
            self._told_at_s = self._clock()
            self._tell(f"{self.records:,} records so far, {self.quarantined:,} in quarantine")

    def _insist(self, stored: bool) -> None:
        if not stored and not self._accept_loss:
            hint = "set ack: stored for it in taps.yaml, or accept that loss with --accept-loss"
            raise KitFailed(f"{self._client.url} is buffered: it may lose what the kit would not send again", hint)
