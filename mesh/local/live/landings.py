"""What became of each tap's last batches: heard from the lander, and for the time before this start read from the lake's manifests."""

import datetime as dt
import itertools
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tap_runtime.errors import Broken, NewerFormat
from tap_runtime.manifest import Manifest, read_manifest

KEPT = 12
_LANDED = "_mesh/landed"


@dataclass(frozen=True)
class Landing:
    """One landed batch. `bad`: its lines in quarantine; `took_ms`: None when it landed before this start."""

    batch: str
    at: dt.datetime
    rows: int
    bytes: int
    bad: int
    took_ms: int | None


class Landings:
    """The last landings of every tap, newest first, and what went wrong since. `rows` of all taps and `bad` of each: since this start."""

    def __init__(self) -> None:
        self._of: defaultdict[str, deque[Landing]] = defaultdict(lambda: deque(maxlen=KEPT))
        self._ended: deque[str] = deque(maxlen=500)
        self._trouble: dict[str, str] = {}
        self.rows = 0
        self.bad = Counter[str]()

    def hear(self, event: dict[str, Any], now: dt.datetime) -> None:
        """An event of the lander."""
        tap = event.get("tap", "")
        match event["event"]:
            case "landed":
                bad = event["refused"] + event["quarantined"]
                self._of[tap].appendleft(Landing(event["batch"], now, event["rows"], event["bytes"], bad, event["took_ms"]))
                self.rows += event["rows"]
                self.bad[tap] += bad
                self._ended.append(event["batch"])
                self._trouble.pop(tap, None)
            case "failed":
                self._trouble[tap] = f"cannot land yet: {event['why']}; kept, and tried again until it lands"
            case "lost":
                self._ended.append(event["batch"])
                self._trouble[tap] = f"a spool has vanished: presumed lost, at most {event['at_most']['records']:,} records"

    def of(self, tap: str) -> list[Landing]:
        """A tap's last landings, newest first."""
        return sorted(self._of.get(tap, ()), key=lambda landing: landing.at, reverse=True)

    def trouble(self, tap: str) -> str | None:
        """What keeps its batches from landing."""
        return self._trouble.get(tap)

    def has_ended(self, batch: str) -> bool:
        """Whether a batch has landed or is lost; its writer may not know yet."""
        return batch in self._ended

    def remember(self, tap: str, earlier: Iterable[Landing]) -> None:
        """Puts landings from before this start behind those heard."""
        known = {landing.batch for landing in self._of[tap]}
        for landing in earlier:
            if landing.batch not in known and len(self._of[tap]) < KEPT:
                self._of[tap].append(landing)


def earlier_landings(lake: Path, tap: str) -> list[Landing]:
    """The newest few landings in a lake folder; reads no more manifests than it returns, and lists the newest days only."""
    return [_landing(manifest) for manifest in itertools.islice(_manifests(lake / _LANDED / tap), KEPT)]


def _manifests(folder: Path) -> Iterator[Manifest]:
    for day in _backwards(folder):
        for path in _backwards(day):
            try:
                yield read_manifest(path.read_bytes())
            except (OSError, Broken, NewerFormat):
                continue


def _backwards(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir(), reverse=True)
    except OSError:
        return []


def _landing(manifest: Manifest) -> Landing:
    counts = manifest.counts
    written = sum(file.bytes for file in manifest.files if file.kind == "parquet")
    at = dt.datetime.fromisoformat(manifest.landed_at)
    return Landing(manifest.batch, at, counts.rows, written, counts.refused + counts.quarantined, None)
