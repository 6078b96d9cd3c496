"""What is kept of one request, and where: the two ways of acknowledging, `buffered.py` and `stored.py`, take and give the same."""

import datetime as dt
from typing import NamedTuple, Protocol

from tap_runtime.decide import OpenBatch
from tap_runtime.records import Records


class Sent(NamedTuple):
    """One request, checked: what is to be kept of it."""

    records: Records
    sender: str | None
    body: bytes
    key: str | None
    now: dt.datetime


class Receipt(NamedTuple):
    """Where a request was kept. `duplicate`: by an earlier request with the same key."""

    batch: str
    request: int
    duplicate: bool = False

    def __str__(self) -> str:
        return f"{self.batch}-{self.request}"


class Intake(Protocol):
    """Keeps requests of one tap, one at a time."""

    def keep(self, sent: Sent) -> Receipt:
        """Returns once the request is as durable as the tap promises; raises Refused, LakeDown or SpoolFull where it is not."""

    @property
    def opened(self) -> OpenBatch | None:
        """The batch that takes records now."""

    def leave(self) -> tuple[str, ...]:
        """Takes no more into what is open, or was about to be: another process seals and lands these; the next request opens another."""

    def seal(self) -> None:
        """Ends the open batch, if there is one; the next request opens another."""
