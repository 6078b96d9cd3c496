"""One reading of a source: its pages, of them the records that were not sent yet, batch by batch into the tap."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import msgspec

from mesh.kits.bookmark import key
from mesh.kits.delivery import Delivery, KitFailed
from mesh.kits.gathering import Gathering
from mesh.kits.rest.api import Api
from mesh.kits.rest.asked import asked
from mesh.kits.rest.page import Page
from mesh.kits.rest.pages import pages
from mesh.kits.rest.place import Place
from mesh.kits.rest.point import Point, point
from mesh.kits.rest.source import RestSource


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Reading:
    """Reads a source, again and again. `stopped`, `tell`: see `Api`."""

    def __init__(
        self,
        source: RestSource,
        place: Place,
        delivery: Delivery,
        stopped: Callable[[float], bool],
        tell: Callable[[str], None],
        clock: Callable[[], dt.datetime] = _now,
    ) -> None:
        self._source, self._place, self._delivery, self._stopped, self._tell, self._clock = source, place, delivery, stopped, tell, clock
        self._api = Api(source, stopped, tell)
        self._gathering = Gathering()

    def run(self) -> None:
        """From the bookmark to the end, or until that is asked for. Raises KitFailed where the source is at fault, SendFailed the tap."""
        if self._place.batch:
            self._deliver(self._place.batch)
            self._place.keep()
        self._began, self._round = self._clock(), self._place.next_round()
        query, read, sent, how_far = asked(self._source, self._begin()), 0, self._delivery.records, "; not to the end"
        for page in pages(self._api, self._source.paging, query):
            read += len(page.records)
            self._take(page)
            if self._gathering.left_s() == 0:
                self._send()
            if self._stopped(0):
                break
        else:
            self._send()
            self._end()
            how_far = ""
        self._tell(f"{self._delivery.records - sent:,} new records, {read:,} read{how_far}")

    def _begin(self) -> Point | None:
        """Where it begins: the overlap before the bookmark. From now on the highest value so far is the bookmark's."""
        since, self._high = self._source.since, None
        if since is None:
            return None
        saved = self._place.point
        self._high = since.beginning if saved is None else point(saved)
        return self._high if saved is None else self._high.back(since.overlap)

    def _take(self, page: Page) -> None:
        records = [msgspec.json.decode(record) for record in page.records]
        points = self._points(records)
        for raw, record, at in zip(page.records, records, points, strict=True):
            content = msgspec.json.encode(record, order="sorted")
            if self._place.new(content, self._round if self._high is None else (at or self._high).number):
                self._gathering.add(msgspec.json.format(raw, indent=-1) + b"\n")
            if self._gathering.left_s() == 0:
                self._send()
        self._high = max((at for at in (self._high, *points) if at is not None), default=None)

    def _points(self, records: list[Any]) -> list[Point | None]:
        """Of each record; none where its field is empty, as long as not all are."""
        for record in records:
            if not isinstance(record, dict):
                raise KitFailed(
                    f"{self._source.url} has records that are no JSON objects", "records says where in the body the objects are"
                )
        if (since := self._source.since) is None:
            return [None] * len(records)
        try:
            points = [None if (value := record.get(since.field)) is None else point(value) for record in records]
        except ValueError as error:
            raise KitFailed(f"since.field {since.field} is {error}", "name the field that says when a record was made or changed") from None
        known = [at for at in points if at is not None]
        if records and not known:
            raise KitFailed(f"no record has the field {since.field}", f"since.field is one of theirs: {', '.join(records[0])[:200]}")
        if since.ordered and known != sorted(known):
            raise KitFailed(
                f"the records do not come by {since.field}, ascending", "ask for that order in query, or leave since.ordered out"
            )
        return points

    def _send(self) -> None:
        """What was gathered; then the bookmark moves, where nothing below it is to come."""
        if not self._gathering.empty:
            batch = self._gathering.take()
            self._place.note(batch)
            self._deliver(batch)
            if self._source.since is not None and self._source.since.ordered:
                self._move()
            self._place.keep()

    def _move(self) -> Point | None:
        """The bookmark to the highest value so far, but not into the future, where it would skip what comes until then."""
        bookmark = self._high.at_most(self._began) if self._high is not None else None
        self._place.move(bookmark.text if bookmark else None)
        return bookmark

    def _end(self) -> None:
        """Only now, as until then pages may be read again, are those records forgotten that the next reading cannot meet."""
        since, bookmark = self._source.since, self._move()
        self._place.forget_below(bookmark.back(since.overlap).number if since and bookmark else self._round)
        self._place.keep()

    def _deliver(self, batch: bytes) -> None:
        self._delivery.send(batch, key(batch))
        self._place.stored()
