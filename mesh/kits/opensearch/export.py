"""One run: every slice that is not through, several at once, each from where it was."""

import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path

from mesh.cli.say import note
from mesh.cli.stop import Stop
from mesh.kits.bookmark import key
from mesh.kits.delivery import Delivery, KitFailed
from mesh.kits.files import locked
from mesh.kits.gathering import Gathering
from mesh.kits.opensearch.bar import Bar
from mesh.kits.opensearch.cluster import Cluster, Login, Stopped, address
from mesh.kits.opensearch.index import documents, indices
from mesh.kits.opensearch.lines import line
from mesh.kits.opensearch.pages import PointInTime, Scroll, reader
from mesh.kits.opensearch.place import Place, places

_HEARD_S = 1.0


class Export:
    """Sends the documents of what `url` names; raises KitFailed when that is no index's URL."""

    def __init__(self, url: str, login: Login, folder: Path, slices: int, stop: Stop) -> None:
        base, self._name = address(url)
        self._folder, self._slices, self._stop = folder, slices, stop
        self._failing = threading.Event()
        self._cluster = Cluster(base, login, note, self.stopped)

    def stopped(self, seconds: float) -> bool:
        """Waits that long, less when the end was asked for or another slice has failed; whether so."""
        while not self._failing.is_set():
            if self._stop.within(min(seconds, _HEARD_S)):
                return True
            if seconds <= _HEARD_S:
                return self._failing.is_set()
            seconds -= _HEARD_S
        return True

    def schema(self) -> str:
        """YAML for a tap in taps.yaml; raises KitFailed."""
        import yaml

        from mesh.kits.opensearch.infer import columns

        found = {"schema": columns(self._cluster, self._name)}
        return str(yaml.safe_dump(found, sort_keys=False, allow_unicode=True)).rstrip()

    def run(self, delivery: Delivery, anew: bool) -> None:
        """Raises KitFailed where the cluster refuses or another export has the folder, and SendFailed where the tap refuses."""
        if (lock := locked(self._folder)) is None:
            raise KitFailed(f"{self._folder} is in use", "another export into that tap is under way; --state names another folder")
        with lock:
            self._run(delivery, anew)

    def _run(self, delivery: Delivery, anew: bool) -> None:
        found = [(index, places(self._folder / index.name, index, self._slices, anew)) for index in indices(self._cluster, self._name)]
        left = [(index, kept) for index, kept in found if not all(place.finished for place in kept)]
        if not left:
            note("all of it was exported before; --anew exports it again")
            return
        delivered = sum(place.documents for _, kept in left for place in kept)
        if delivered:
            note(f"going on after {delivered:,} documents")
        total = sum(documents(self._cluster, index) for index, _ in left)
        with ExitStack() as stack, Bar(delivered, total) as bar, ThreadPoolExecutor(self._slices) as pool:
            futures = []
            for index, kept in left:
                pages = reader(self._cluster, index)
                stack.callback(pages.close)
                futures += [pool.submit(self._slice, pages, place, delivery, bar) for place in kept if not place.finished]
            try:
                for future in as_completed(futures):
                    future.result()
            except Stopped:
                note("stopped; the next start goes on from here")
            finally:
                self._failing.set()

    def _slice(self, pages: PointInTime | Scroll, place: Place, delivery: Delivery, bar: Bar) -> None:
        own, gathering, last = delivery.another(), Gathering(float("inf")), place.batch_to
        if place.batch:
            self._deliver(own, place, bar)
        for hits in pages.pages(place.slice, place.after):
            for hit in hits:
                gathering.add(line(hit))
                last = hit.seq_no
                if gathering.left_s() == 0:
                    place.begin(gathering.take(), last)
                    self._deliver(own, place, bar)
        if not gathering.empty:
            place.begin(gathering.take(), last)
            self._deliver(own, place, bar)
        place.finish()

    def _deliver(self, delivery: Delivery, place: Place, bar: Bar) -> None:
        if self.stopped(0):
            raise Stopped
        delivery.send(place.batch, key(place.batch))
        bar.add(place.batch.count(b"\n"), len(place.batch))
        place.passed()
