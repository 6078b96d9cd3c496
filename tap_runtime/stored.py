"""`ack: stored`: a request is in the lake before the answer. OPEN and ACCEPT of the protocol, with segments and idempotency keys."""

import datetime as dt
import hashlib
from collections.abc import Callable

import msgspec

from tap_runtime import lake, segment
from tap_runtime.decide import OpenBatch
from tap_runtime.errors import LakeDown, Refused
from tap_runtime.intake import Receipt, Sent
from tap_runtime.lake import Objects
from tap_runtime.marker import Marker
from tap_runtime.segment import KeyOwner, Seal, SegmentHeader, make_span, read_owner
from tap_runtime.settings import TapSettings

_encode = msgspec.json.Encoder().encode


class Stored:
    """The batch a stored tap is collecting: a segment a request, numbered without gaps, one in flight. An `Intake`."""

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
        return None if self._batch is None else OpenBatch(self._batch, self._bytes, self._seq)

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
