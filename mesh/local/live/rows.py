"""The numbers of each tap's row and their sums, as values by name: `clicks.records` and `mesh.records`."""

import datetime as dt
import functools
import time

from mesh.local.live import say
from mesh.local.live.counts import Rates
from mesh.local.running import Running
from tap_runtime import lake
from tap_runtime.accept import Acceptor

Values = dict[str, str | float]
_FRESH_S = 0.5
_opened_at = functools.lru_cache(maxsize=1000)(lake.opened_at)


class Rows:
    """Counted at most twice a second, however many look."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._made_s, self._values = 0.0, Values()

    def values(self, now: dt.datetime) -> Values:
        """The numbers now."""
        if time.monotonic() - self._made_s > _FRESH_S:
            self._made_s = time.monotonic()
            self._values = self._counted(int(self._made_s), now)
        return self._values

    def records_in(self, seconds: range) -> dict[str, list[int]]:
        """Records of each of these seconds (of the monotonic clock), of the taps that took any."""
        taken = ((name, self._running.counts[name].records_in(seconds)) for name in self._running.acceptors)
        return {name: records for name, records in taken if any(records)}

    def _counted(self, second: int, now: dt.datetime) -> Values:
        values: Values = {}
        total = Rates(0, 0)
        for name, acceptor in self._running.acceptors.items():
            rates = self._running.counts[name].rates(second)
            total = total.plus(rates)
            row = self._landed(name, now) | self._batch(acceptor, now)
            row |= {"requests": say.rate(rates.requests), "records": say.rate(rates.records)}
            values |= {f"{name}.{what}": value for what, value in row.items()}
        landings = self._running.landings
        mesh = {"requests": say.rate(total.requests), "records": say.rate(total.records)}
        mesh |= {"rows": f"{landings.rows:,}", "bad": f"{landings.bad.total():,}"}
        mesh["since"] = f"since {say.minute(self._running.started, now.date())}"
        return values | {f"mesh.{what}": value for what, value in mesh.items()}

    def _landed(self, name: str, now: dt.datetime) -> Values:
        landed = self._running.landings.of(name)
        bad = self._running.landings.bad[name]
        last = f"{say.clock(landed[0].at, now.date())} · {say.rows(landed[0].rows)}" if landed else "nothing yet"
        return {"last": last, "bad": f"{bad:,}" if bad else ""}

    def _batch(self, acceptor: Acceptor, now: dt.datetime) -> Values:
        """The open batch against its thresholds, as shares and in words."""
        settings, landings, batch = acceptor.settings, self._running.landings, acceptor.opened()
        trouble = landings.trouble(settings.tap) or ""
        if batch is None or landings.has_ended(batch.batch):
            limits = f"lands at {say.size(settings.threshold_bytes)} or {say.span(settings.age_s)}"
            return {"bytes": 0.0, "age": 0.0, "batch": limits, "trouble": trouble}
        age_s = (now - _opened_at(batch.batch)).total_seconds()
        left_s = max(settings.age_s - age_s, 0)
        is_due = left_s < 0.5 or batch.bytes >= settings.threshold_bytes
        when = "landing" if is_due else f"{say.span(left_s)} left"
        shares = {"bytes": batch.bytes / settings.threshold_bytes, "age": age_s / settings.age_s}
        text = f"{say.size(batch.bytes)} of {say.size(settings.threshold_bytes)} · {when}"
        return {**{what: round(min(share, 1.0), 3) for what, share in shares.items()}, "batch": text, "trouble": trouble}
