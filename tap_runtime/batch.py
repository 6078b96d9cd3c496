"""The batch a tap is collecting: OPEN and ACCEPT of the protocol, for both ways of acknowledging.

Nothing acknowledged is unknown to the lake: the marker is there before the first answer, a new bound before the answer that would pass it.
"""

import datetime as dt
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from tap_runtime import lake, segment
from tap_runtime.decide import OpenBatch
from tap_runtime.errors import LakeDown, Refused, SpoolFull
from tap_runtime.lake import Objects
from tap_runtime.marker import FIRST_BOUND, Bound, Marker
from tap_runtime.records import Records
from tap_runtime.segment import KeyOwner, Seal, SegmentHeader, make_span, read_owner
from tap_runtime.settings import TapSettings
from tap_runtime.spool import Header, SpoolWriter, seal

_RETRY_BOUND_S = 5
REUSE = dt.timedelta(seconds=60)  # how long a spool may wait for its marker; landers leave an empty one alone for twice that
_encode = msgspec.json.Encoder().encode


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


class Buffered:
    """`ack: buffered`: on this environment's disk before the answer."""

    def __init__(self, settings: TapSettings, store: Objects, root: Path, random: Callable[[int], bytes]) -> None:
        self._settings, self._store, self._root, self._random = settings, store, root, random
        self._sha256 = settings.sha256()
        self._writer: SpoolWriter | None = None
        self._pending: SpoolWriter | None = None  # its marker could not be put, as far as is known; the next request tries again
        self._given_up: tuple[str, ...] = ()
        self._marker: Marker | None = None
        self._retry_bound_s = 0.0

    def keep(self, sent: Sent) -> Receipt:
        while True:
            writer = self._writer or self._open(sent.now)
            span = make_span(sent.records, sent.sender, writer.requests, sent.now)
            size = len(span.data) + len(span.refused)
            if writer.bytes + size > self._settings.limits.spool_bytes:
                raise SpoolFull(f"the open batch has reached the spool limit of {self._settings.limits.spool_bytes:,} bytes")
            self._raise_bound(writer, Bound(writer.requests + 1, writer.records + span.lines, writer.bytes + size), sent.now)
            if writer.append(span):
                return Receipt(writer.header.batch, writer.requests - 1)
            self.leave()

    def _open(self, now: dt.datetime) -> SpoolWriter:
        """The spool first, then its marker: a marker without a spool means that a spool has vanished."""
        if self._pending is not None and now - lake.opened_at(self._pending.header.batch) > REUSE:
            self._given_up = self.leave()
        if self._pending is None:
            header = Header(self._settings.tap, lake.new_batch(now, self._random), self._sha256)
            self._marker = Marker(nonce=self._random(16).hex(), ack="buffered", settings=self._sha256, at_most=FIRST_BOUND)
            self._pending = SpoolWriter(self._root, header)
        writer = self._pending
        lake.create(self._store, lake.marker_key(writer.header.tap, writer.header.batch), _encode(self._marker))
        self._writer, self._pending = writer, None
        return writer

    def _raise_bound(self, writer: SpoolWriter, wanted: Bound, now: dt.datetime) -> None:
        assert self._marker is not None and self._marker.at_most is not None
        if self._marker.at_most.holds(wanted) or now.timestamp() < self._retry_bound_s:
            return
        bound = self._marker.at_most
        while not bound.holds(wanted):
            bound = bound.fourfold()
        marker = msgspec.structs.replace(self._marker, at_most=bound)
        try:
            self._store.put(lake.marker_key(writer.header.tap, writer.header.batch), _encode(marker))
        except LakeDown:  # the report then says "or the spool limit"; an open batch goes on
            self._retry_bound_s = now.timestamp() + _RETRY_BOUND_S
            return
        self._marker = marker

    @property
    def opened(self) -> OpenBatch | None:
        return None if self._writer is None else OpenBatch(self._writer.header.batch, self._writer.bytes)

    def leave(self) -> tuple[str, ...]:
        left = [writer for writer in (self._writer, self._pending) if writer is not None]
        for writer in left:
            writer.close()
        given_up = self._given_up
        self._writer = self._pending = self._marker = None
        self._given_up = ()
        return (*given_up, *(writer.header.batch for writer in left))

    def seal(self) -> None:
        for writer in (self._writer, self._pending):
            if writer is not None:
                seal(self._root, writer.header.tap, writer.header.batch)
        self.leave()


class Stored:
    """`ack: stored`: in the lake before the answer, a segment a request, numbered without gaps, one in flight."""

    def __init__(self, settings: TapSettings, store: Objects, random: Callable[[int], bytes]) -> None:
        self._settings, self._store, self._random = settings, store, random
        self._sha256 = settings.sha256()
        self._batch: str | None = None
        self._seq = self._bytes = 0

    def keep(self, sent: Sent) -> Receipt:
        body_sha256 = hashlib.sha256(sent.body).hexdigest()
        named = sent.key if sent.key is not None or self._settings.retries == "key" else body_sha256
        key = None if named is None else lake.idempotency_key(self._settings.tap, sent.sender, named, body_sha256)
        if key is not None:
            earlier = self._store.get(key)
            if earlier is not None:
                return _earlier(earlier, body_sha256)
        mine = self._put_segment(sent, key, body_sha256)
        if key is None:
            return mine
        other = lake.create(self._store, key, _encode(KeyOwner(mine.batch, mine.request, body_sha256)))
        return mine if other is None else _earlier(other, body_sha256)

    def _put_segment(self, sent: Sent, key: str | None, body_sha256: str) -> Receipt:
        tap = self._settings.tap
        while True:
            batch = self._batch or self._open(sent.now)
            span = make_span(sent.records, sent.sender, self._seq, sent.now)
            header = SegmentHeader(
                nonce=self._random(16).hex(),
                tap=tap,
                batch=batch,
                settings=self._sha256,
                tallies=(span.tally,),
                data_bytes=len(span.data),
                refused_bytes=len(span.refused),
                key=key,
                body_sha256=body_sha256 if key is not None else None,
            )
            body = segment.pack(header, span.data, span.refused)
            try:
                other = lake.create(self._store, lake.segment_key(tap, batch, self._seq), body)
            except LakeDown:  # it may be there or not: nobody may put at this number again
                self._batch = None
                raise
            if other is None:
                self._seq, self._bytes = self._seq + 1, self._bytes + len(body)
                return Receipt(batch, self._seq - 1)
            self._batch = None  # sealed by another: the same request goes into a new batch

    def _open(self, now: dt.datetime) -> str:
        batch = lake.new_batch(now, self._random)
        marker = Marker(nonce=self._random(16).hex(), ack="stored", settings=self._sha256, at_most=None)
        lake.create(self._store, lake.marker_key(self._settings.tap, batch), _encode(marker))
        self._batch, self._seq, self._bytes = batch, 0, 0
        return batch

    @property
    def opened(self) -> OpenBatch | None:
        return None if self._batch is None else OpenBatch(self._batch, self._bytes)

    def leave(self) -> tuple[str, ...]:
        left = () if self._batch is None else (self._batch,)
        self._batch = None
        return left

    def seal(self) -> None:
        if self._batch is not None:
            body = _encode(Seal(nonce=self._random(16).hex()))
            lake.create(self._store, lake.segment_key(self._settings.tap, self._batch, self._seq), body, lake.SEAL_DAYS)
        self._batch = None


def _earlier(body: bytes, body_sha256: str) -> Receipt:
    owner = read_owner(body)
    if owner.body_sha256 != body_sha256:
        hint = "use a new Idempotency-Key for a new body; a retry sends the same bytes"
        raise Refused(409, "key_reused", "this Idempotency-Key came with another body before", hint)
    return Receipt(owner.batch, owner.seq, duplicate=True)
