"""Lambda's entry of the steward: once a minute it looks at what is open in the whole mesh, wakes who should land it, reports what is lost.

It runs no SQL and lands nothing: a tap's batches land through the tap's own function, so the steward needs no team's permissions.
"""

import datetime as dt
import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from tap_runtime import FORMAT, lake, report
from tap_runtime.collect import lands_anywhere
from tap_runtime.format import read_back
from tap_runtime.lake import Store
from tap_runtime.marker import Bound, Marker, read_marker
from tap_runtime.settings import TapSettings, environment, read_settings
from tap_runtime.store import bucket_store

_LOST_AFTER = dt.timedelta(minutes=2)  # past freshness, in which time its environment was asked twice
_GIVEN_UP_AFTER = dt.timedelta(hours=24)  # no environment lives so long: the marker of a batch reported lost goes then
_ASKED_FOR = dt.timedelta(hours=1)
_MOST_FLUSHES = 50  # of a tap in a look
_MOST_CALLS = 500  # of a look, which has 50 s
_CALL_MS = 50  # what a call takes: 18 ms of the steward's share of a core, and the network
_HOLD_MS = 300  # what the last flush is held
_DOUBLED_FOR = 6  # minutes
_YOUNGEST = dt.timedelta(minutes=1)  # freshness is at least age and a minute
_UNKNOWN = dt.timedelta(minutes=5)  # freshness where the settings are gone
_OF_ALL: dict[str, Callable[[Iterable[int]], int]] = {"oldest_open": max, "overdue": max, "lost": sum}  # from the taps' figures the mesh's
Invoke = Callable[[str, bytes], None]
Say = Callable[[str], None]


class Lost(Struct, frozen=True, kw_only=True):
    """The report that a batch is presumed lost, with at most so much of it. A manifest overrides it."""

    format: int = FORMAT
    tap: str
    batch: str
    reported_at: dt.datetime
    at_most: Bound | None
    or_the_spool_limit: bool = True
    presumed_lost: bool = True


@dataclass(frozen=True)
class Stale:
    """An open batch past its tap's freshness, by so much."""

    batch: str
    marker: Marker
    settings: TapSettings | None
    late: dt.timedelta


@dataclass(frozen=True)
class Seen:
    """What there was to see of one tap, and what its function is to be asked."""

    figures: dict[str, int]
    asked: list[dict[str, str | int]]


class Steward:
    """`prefix` and a tap's name are its function's; `invoke` calls a function with an event and does not wait."""

    def __init__(self, store: Store, prefix: str, invoke: Invoke, clock: Callable[[], dt.datetime], say: Say) -> None:
        self._store, self._prefix, self._invoke, self._clock, self._say = store, prefix, invoke, clock, say
        self._settings: dict[tuple[str, str], TapSettings] = {}

    def look(self) -> None:
        """One round: a LIST of the markers, and more calls only for batches that are old enough to be late.

        Raises RuntimeError at its end where taps could not be looked at, so that Lambda counts an error.
        """
        opened: dict[str, list[str]] = defaultdict(list)
        for tap, batch in lake.open_batches(self._store):
            opened[tap].append(batch)
        seen: dict[str, Seen] = {}
        failed: set[str] = set()
        now = self._clock()
        for tap, batches in opened.items():
            with self._apart(tap, "not_looked_at", failed):
                seen[tap] = self._look_at(tap, batches, now)
        if seen:
            values = {name: how(one.figures[name] for one in seen.values()) for name, how in _OF_ALL.items()}
            more = {name: sum(one.figures[name] for one in seen.values()) for name in ("open", "stale")}
            self._say(report.metrics("looked", self._prefix.removesuffix("-"), now, values, **more))
        left = _MOST_CALLS
        for tap, one in sorted(seen.items(), key=lambda pair: len(pair[1].asked)):
            with self._apart(tap, "not_called", failed):
                for event in one.asked[:left]:
                    self._invoke(self._prefix + tap, msgspec.json.encode(event))
            left = max(0, left - len(one.asked))
        if failed:
            raise RuntimeError(f"{len(failed)} of {len(opened)} taps could not be looked at, or called")

    @contextmanager
    def _apart(self, tap: str, event: str, failed: set[str]) -> Iterator[None]:
        """One tap's broken marker, or its function that is gone, must not keep the others from being looked at."""
        try:
            yield
        except Exception as error:
            failed.add(tap)
            self._say(report.plain(event, tap=tap, code=type(error).__name__))

    def _look_at(self, tap: str, batches: list[str], now: dt.datetime) -> Seen:
        stale = list(self._stale(tap, batches, now))
        asked: list[dict[str, str | int]] = []
        asleep, lost, overdue = [], 0, dt.timedelta()
        for each in stale:
            if lands_anywhere(self._store, tap, each.batch, each.marker.ack):
                asked.append({"tapmesh": "land", "batch": each.batch})
                overdue = max(overdue, each.late)
                continue
            lost += self._reported(tap, each, now)
            if each.late < _ASKED_FOR:
                asleep.append(each)
        oldest = max(now - lake.opened_at(batch) for batch in batches)
        times = {"oldest_open": round(oldest.total_seconds()), "overdue": round(overdue.total_seconds())}
        figures = {"open": len(batches), "stale": len(stale), **times, "lost": lost}
        if stale:
            self._say(report.plain("stale", tap=tap, **figures))
        return Seen(figures, asked + _flushes(asleep))

    def _stale(self, tap: str, batches: list[str], now: dt.datetime) -> Iterator[Stale]:
        for batch in sorted(batches):
            age = now - lake.opened_at(batch)
            if age < _YOUNGEST or (body := self._store.get(lake.marker_key(tap, batch))) is None:
                continue
            marker = read_marker(body)
            settings = self._known(tap, marker.settings)
            freshness = dt.timedelta(seconds=settings.freshness_s) if settings is not None else _UNKNOWN
            if age > freshness:
                yield Stale(batch, marker, settings, age - freshness)

    def _known(self, tap: str, sha256: str) -> TapSettings | None:
        if (tap, sha256) not in self._settings and (body := self._store.get(lake.settings_key(tap, sha256))) is not None:
            self._settings[tap, sha256] = read_settings(body)
        return self._settings.get((tap, sha256))

    def _reported(self, tap: str, stale: Stale, now: dt.datetime) -> bool:
        """Whether the batch was reported lost just now. A day later its marker goes; the report stays."""
        if stale.late <= _LOST_AFTER:
            return False
        key, at_most = lake.lost_key(tap, stale.batch), stale.marker.at_most
        lost = Lost(tap=tap, batch=stale.batch, reported_at=now, at_most=at_most)
        other = lake.create(self._store, key, msgspec.json.encode(lost))
        if other is not None and (earlier := read_back(other, Lost, "the report of a loss")).at_most != at_most:
            # its environment lived on, and acknowledged more, which may be lost by now
            self._store.put(key, msgspec.json.encode(msgspec.structs.replace(earlier, at_most=at_most)))
        if stale.late > _GIVEN_UP_AFTER:
            self._store.delete([lake.marker_key(tap, stale.batch)])
        return other is None


def _flushes(asleep: Sequence[Stale]) -> list[dict[str, str | int]]:
    """Twice as many as environments hold a batch, as Lambda chooses whom they reach, and again twice as many each minute for six.

    By then all of up to 50 idle ones are reached at once. Half of what the tap may run at once stays free.
    """
    concurrency = next((each.settings.concurrency for each in asleep if each.settings is not None), None)
    most = _MOST_FLUSHES if concurrency is None else max(1, concurrency // 2)
    minutes = [each.late // dt.timedelta(minutes=1) for each in asleep]
    number = min(most, sum(2 << (minute if minute < _DOUBLED_FOR else 0) for minute in minutes))
    return [{"tapmesh": "flush", "hold_ms": _HOLD_MS + _CALL_MS * number}] * number


def _aws_invoke() -> Invoke:
    """Lambda's Invoke through the botocore that its Python runtime brings; asynchronous, so nobody is waited for."""
    import botocore.session

    client = botocore.session.get_session().create_client("lambda")

    def invoke(function: str, event: bytes) -> None:
        client.invoke(FunctionName=function, InvocationType="Event", Payload=event)

    return invoke


def handler(event: object, context: object) -> None:
    """What the schedule calls."""
    global _steward
    if _steward is None:
        url, prefix = environment("TAPMESH_LAKE"), environment("TAPMESH_PREFIX")
        if url is None or prefix is None:
            raise SystemExit("the steward needs TAPMESH_LAKE and TAPMESH_PREFIX")
        say = functools.partial(print, flush=True)
        _steward = Steward(bucket_store(url), prefix, _aws_invoke(), lambda: dt.datetime.now(dt.UTC), say)
    _steward.look()


_steward: Steward | None = None
