"""`ack: buffered`: a request is on this environment's disk before the answer. OPEN and ACCEPT of the protocol, with a spool.

Nothing acknowledged is unknown to the lake: the marker is there before the first answer, a new bound before the answer that would pass it.
"""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import msgspec

from tap_runtime import lake
from tap_runtime.decide import OpenBatch
from tap_runtime.errors import LakeDown, SpoolFull
from tap_runtime.intake import Receipt, Sent
from tap_runtime.lake import Objects
from tap_runtime.marker import FIRST_BOUND, Bound, Marker
from tap_runtime.segment import make_span
from tap_runtime.settings import TapSettings
from tap_runtime.spool import Header, SpoolWriter, seal

_RETRY_BOUND_S = 5
REUSE = dt.timedelta(seconds=60)  # how long a spool may wait for its marker; landers leave an empty one alone for twice that
_encode = msgspec.json.Encoder().encode


class Buffered:
    """The batch a buffered tap is collecting; an `Intake`."""

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
