"""What is looked at: alarms, and the dashboard. Over the mesh's metrics, and by tap over the lines `tap_runtime.report` makes them of."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from mesh.plan.model import Alarm, Metric
from mesh.plan.names import Names

_NAMESPACE = "tapmesh"
QUARANTINED_PERCENT = 5
OVERDUE_S = 600
_FIVE_MINUTES = 300


def alarms(names: Names, steward: str, sources: Iterable[str]) -> tuple[Alarm, ...]:
    """Five, however many taps there are, and one a source; the dashboard says which tap it is."""

    def metric(name: str, stat: str = "Sum") -> Metric:
        return Metric(name, stat, _NAMESPACE, {"mesh": names.whole})

    def above(what: str, about: str, one: Metric, threshold: float, periods: int) -> Alarm:
        comparison = "GreaterThanThreshold"
        return Alarm(names.own(what), about, {"m": one}, None, comparison, threshold, _FIVE_MINUTES, periods, "notBreaching")

    share = {"quarantined": metric("quarantined"), "records": metric("records")}
    quarantined = Alarm(
        name=names.own("quarantined"),
        about=f"More than {QUARANTINED_PERCENT} % of the records of 15 minutes are in quarantine; the dashboard says whose",
        metrics=share,
        expression="IF(records > 0, 100 * quarantined / records, 0)",
        comparison="GreaterThanThreshold",
        threshold=QUARANTINED_PERCENT,
        period_s=900,
        periods=1,
        missing="notBreaching",
    )
    return (
        above("lost", "A batch is presumed lost; _mesh/lost/ says which, and at most how much", metric("lost"), 0, 1),
        quarantined,
        above("failing", "Batches cannot land for ten minutes; they are kept and tried again", metric("failing"), 0, 2),
        above("overdue", f"A batch is open {OVERDUE_S} s past its tap's freshness", metric("overdue", "Maximum"), OVERDUE_S, 2),
        _rounds(names, steward),
        *(_failing(names, source) for source in sources),
    )


def _rounds(names: Names, steward: str) -> Alarm:
    return Alarm(
        name=names.own("steward"),
        about="The steward has not finished a round for five minutes: nobody would report what is lost",
        metrics={kind: Metric(kind.capitalize(), "Sum", "AWS/Lambda", {"FunctionName": steward}) for kind in ("invocations", "errors")},
        expression="invocations - errors",
        comparison="LessThanThreshold",
        threshold=1,
        period_s=_FIVE_MINUTES,
        periods=1,
        missing="breaching",
    )


def _failing(names: Names, source: str) -> Alarm:
    name = names.own(f"source_{source}")
    return Alarm(
        name=name,
        about=f"The source {source} could not be read to its end; its function's log says why, and its next run goes on",
        metrics={"m": Metric("Errors", "Sum", "AWS/Lambda", {"FunctionName": name})},
        expression=None,
        comparison="GreaterThanThreshold",
        threshold=0,
        period_s=900,
        periods=1,
        missing="notBreaching",
    )


_OVER_TIME = (  # of the mesh
    ("Records, and those in quarantine", (("records", "Sum"), ("quarantined", "Sum"))),
    ("Bytes landed", (("bytes", "Sum"),)),
    ("Seconds a batch was open when it landed, and the oldest open", (("batch_age", "Maximum"), ("oldest_open", "Maximum"))),
    ("Milliseconds to land a batch", (("landing", "Maximum"),)),
    ("Batches that landed late, landings to try again, batches presumed lost", (("late", "Sum"), ("failing", "Sum"), ("lost", "Sum"))),
    ("Seconds past its tap's freshness of what anybody could land", (("overdue", "Maximum"),)),
)
_BY_TAP = (
    (
        "What landed, by tap",
        'filter event = "landed"',
        "stats count(*) as batches, sum(records) as received, sum(quarantined) as in_quarantine, sum(bytes) as landed_bytes,"
        " max(batch_age) as oldest_s, max(landing) as slowest_ms, sum(late) as landed_late by tap",
        "sort received desc",
    ),
    (
        "What is open past its tap's freshness, by tap",
        'filter event = "stale"',
        "stats max(stale) as batches, max(oldest_open) as oldest_s, max(overdue) as overdue_s, sum(lost) as presumed_lost by tap",
        "sort oldest_s desc",
    ),
    (
        "What went wrong, by tap",
        'filter event in ["failed", "our_fault", "not_started", "not_saved", "too_large_to_save", "not_looked_at", "not_called"]',
        "stats count(*) as times, latest(code) as last_code by tap, event",
        "sort times desc",
    ),
)


def dashboard(names: Names) -> str:
    """CloudWatch's body: the mesh over time, then its taps. Queries cost by what they read, when somebody looks."""
    over_time = [_over_time(names, number, *each) for number, each in enumerate(_OVER_TIME)]
    below = 6 * (len(over_time) // 2)
    by_tap = [_by_tap(names, below + 8 * number, *each) for number, each in enumerate(_BY_TAP)]
    return json.dumps({"widgets": over_time + by_tap}, sort_keys=True)


def _over_time(names: Names, number: int, title: str, shown: Sequence[tuple[str, str]]) -> dict[str, Any]:
    metrics = [[_NAMESPACE, name, "mesh", names.whole, {"stat": stat}] for name, stat in shown]
    properties = {"title": title, "region": names.stack.region, "view": "timeSeries", "period": _FIVE_MINUTES, "metrics": metrics}
    return {"type": "metric", "x": 12 * (number % 2), "y": 6 * (number // 2), "width": 12, "height": 6, "properties": properties}


def _by_tap(names: Names, y: int, title: str, *stages: str) -> dict[str, Any]:
    query = "\n| ".join((f"SOURCE '{names.log_group}'", *stages))
    properties = {"title": title, "region": names.stack.region, "view": "table", "query": query}
    return {"type": "log", "x": 0, "y": y, "width": 24, "height": 8, "properties": properties}
