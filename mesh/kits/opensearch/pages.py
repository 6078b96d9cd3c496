"""A slice's documents in the order of their sequence numbers, page by page, in a point in time or, where there is none, in a scroll.

Slices are numbered so that each lies in one shard, where a sequence number is one document's: it is where to go on. Which
slice a document is in depends on its id alone, so it stays there when it changes, then with a higher number. So a slice that
goes on in a younger point in time misses nothing and repeats nothing but what changed meanwhile.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from mesh.kits.delivery import KitFailed
from mesh.kits.opensearch.cluster import Cluster
from mesh.kits.opensearch.index import Index
from mesh.kits.opensearch.words import Expired, Refused

START = -1
_KEEP_ALIVE = "10m"
_PAGE_BYTES = 2_000_000
_FIRST, _MOST = 200, 10_000
_SCROLL_PAGE = 500
_WHOLE = "allow_partial_search_results=false"


class Hit(msgspec.Struct, frozen=True):
    """A document: its source as the cluster has it, byte by byte."""

    index: str = msgspec.field(name="_index")
    id: str = msgspec.field(name="_id")
    seq_no: int = msgspec.field(name="_seq_no")
    source: msgspec.Raw = msgspec.field(name="_source", default=msgspec.Raw())
    routing: str | None = msgspec.field(name="_routing", default=None)


class _Hits(msgspec.Struct, frozen=True):
    hits: list[Hit]


class _Page(msgspec.Struct, frozen=True):
    hits: _Hits
    timed_out: bool = False
    scroll_id: str = msgspec.field(name="_scroll_id", default="")


class _Opened(msgspec.Struct, frozen=True):
    pit_id: str = ""
    id: str = ""


@dataclass(frozen=True)
class Slice:
    """`number` of `of`, which is a multiple of the index's shards."""

    index: Index
    number: int
    of: int

    def body(self, size: int) -> dict[str, Any]:
        """What a search for its documents says."""
        asked = {"size": size, "sort": [{"_seq_no": "asc"}], "seq_no_primary_term": True, "track_total_hits": False}
        return {**asked, **({"slice": {"field": "_id", "id": self.number, "max": self.of}} if self.of > 1 else {})}


class PointInTime:
    """An index as it was at one moment; the slices share it, and whoever finds it expired opens the next."""

    def __init__(self, cluster: Cluster, index: Index) -> None:
        self._cluster, self._index, self._lock = cluster, index, threading.Lock()
        self._delete = ""
        self.id = ""

    def open(self) -> bool:
        """Whether the cluster has such a thing: OpenSearch from 2.4 on, Elasticsearch from 7.10 on."""
        for path, delete in (("_search/point_in_time", "/_search/point_in_time"), ("_pit", "/_pit")):
            try:
                opened = self._cluster.ask("POST", f"{self._index.path}/{path}?keep_alive={_KEEP_ALIVE}", None, _Opened)
            except Refused as failed:
                if failed.status not in (400, 404, 405):
                    raise
                continue
            self.id, self._delete = opened.pit_id or opened.id, delete
            return True
        return False

    def renew(self, expired: str) -> None:
        """Opens the next one, where no other thread has."""
        with self._lock:
            if self.id == expired:
                self.open()

    def close(self) -> None:
        """Lets the cluster forget it."""
        body = {"pit_id": [self.id]} if "point_in_time" in self._delete else {"id": self.id}
        self._cluster.forget(self._delete, body)

    def pages(self, part: Slice, after: int) -> Iterator[list[Hit]]:
        """What comes after that sequence number."""
        size = _FIRST
        while True:
            pit = self.id
            asked = {**part.body(size), "pit": {"id": pit, "keep_alive": _KEEP_ALIVE}, "search_after": [after]}
            try:
                hits = search(self._cluster, f"/_search?{_WHOLE}", asked).hits.hits
            except Expired:
                self.renew(pit)
                continue
            if not hits:
                return
            yield hits
            after, size = hits[-1].seq_no, _next_size(hits)


class Scroll:
    """The same for a cluster without points in time; each slice has its own moment."""

    def __init__(self, cluster: Cluster, index: Index) -> None:
        self._cluster, self._index = cluster, index

    def close(self) -> None:
        """Nothing: a scroll is closed when its slice ends."""

    def pages(self, part: Slice, after: int) -> Iterator[list[Hit]]:
        """What comes after that sequence number."""
        whole = False
        while not whole:
            try:
                for hits in self._scrolled(part, after):
                    yield hits
                    after = hits[-1].seq_no
                whole = True
            except Expired:
                continue

    def _scrolled(self, part: Slice, after: int) -> Iterator[list[Hit]]:
        asked = {**part.body(_SCROLL_PAGE), "query": {"range": {"_seq_no": {"gt": after}}}}
        del asked["track_total_hits"]  # a scroll always counts
        page = search(self._cluster, f"{self._index.path}/_search?scroll={_KEEP_ALIVE}&{_WHOLE}", asked)
        try:
            while page.hits.hits:
                yield page.hits.hits
                page = search(self._cluster, "/_search/scroll", {"scroll": _KEEP_ALIVE, "scroll_id": page.scroll_id}, once=True)
        finally:
            self._cluster.forget("/_search/scroll", {"scroll_id": [page.scroll_id]})


def reader(cluster: Cluster, index: Index) -> PointInTime | Scroll:
    """What the cluster has."""
    pit = PointInTime(cluster, index)
    return pit if pit.open() else Scroll(cluster, index)


def search(cluster: Cluster, path: str, body: dict[str, Any], once: bool = False) -> _Page:
    """One search, answered whole."""
    page = cluster.ask("POST", path, body, _Page, once)
    if page.timed_out:
        raise KitFailed("the cluster gave up on a search before it was through", "raise its search.default_search_timeout")
    return page


def _next_size(hits: list[Hit]) -> int:
    """How many documents come to a page's bytes, as these are."""
    return max(10, min(_MOST, _PAGE_BYTES * len(hits) // max(1, sum(len(memoryview(hit.source)) for hit in hits))))
