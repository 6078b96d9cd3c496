"""The marker: the object that says a batch is open, and how much of it may be acknowledged."""

from typing import Literal

from msgspec import Struct

from tap_runtime import FORMAT
from tap_runtime.format import read_back


class Bound(Struct, frozen=True):
    """At most so much may be acknowledged before the marker is rewritten."""

    requests: int
    records: int
    bytes: int

    def holds(self, other: "Bound") -> bool:
        """Whether `other` is within this bound."""
        return other.requests <= self.requests and other.records <= self.records and other.bytes <= self.bytes

    def fourfold(self) -> "Bound":
        """The next bound."""
        return Bound(4 * self.requests, 4 * self.records, 4 * self.bytes)


FIRST_BOUND = Bound(64, 16_384, 2_000_000)


class Marker(Struct, frozen=True, kw_only=True):
    """The body of the object that says a batch is open. A stored batch needs no bound: all of it is in the lake."""

    format: int = FORMAT
    nonce: str
    ack: Literal["buffered", "stored"]
    settings: str
    at_most: Bound | None


def read_marker(body: bytes) -> Marker:
    """A marker from its bytes; raises NewerFormat or Broken."""
    return read_back(body, Marker, "the marker")
