"""What is looked at: alarms and dashboard, over the metrics that `tap_runtime.report` logs with the mesh as their dimension."""

import json
from typing import Any

from mesh.plan.model import Alarm, Metric
from mesh.plan.names import Names

_NAMESPACE = "tapmesh"
QUARANTINED_PERCENT = 5
OVERDUE_S = 600
_FIVE_MINUTES = 300


def alarms(names: Names, steward: str) -> tuple[Alarm, ...]:
    """Five, however many taps there are; each tap's own figures are on the dashboard."""

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
    rounds = Alarm(
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
    return (
        above("lost", "A batch is presumed lost; _mesh/lost/ says which, and at most how much", metric("lost"), 0, 1),
        quarantined,
        above("failing", "Batches cannot land for ten minutes; they are kept and tried again", metric("failing"), 0, 2),
        above("overdue", f"A batch is open {OVERDUE_S} s past its tap's freshness", metric("overdue", "Maximum"), OVERDUE_S, 2),
        rounds,
    )


def dashboard(names: Names) -> str:
    """CloudWatch's body: what came, what did not land, how late it is; each by tap."""
    by_tap = (
        ("Records", "records", "Sum"),
        ("Records in quarantine", "quarantined", "Sum"),
        ("Bytes landed", "bytes", "Sum"),
        ("Age of a batch when it landed, in seconds", "batch_age", "Maximum"),
        ("Time to land a batch, in milliseconds", "landing", "Maximum"),
        ("Oldest open batch, in seconds", "oldest_open", "Maximum"),
        ("Landings that failed and are tried again", "failing", "Sum"),
        ("Batches presumed lost", "lost", "Sum"),
    )
    widgets = [_widget(names, number, *each) for number, each in enumerate(by_tap)]
    return json.dumps({"widgets": widgets}, sort_keys=True)


def _widget(names: Names, number: int, title: str, metric: str, stat: str) -> dict[str, Any]:
    what = f'{{{_NAMESPACE},mesh,function}} MetricName="{metric}" mesh="{names.whole}"'
    search = f"SEARCH('{what}', '{stat}', {_FIVE_MINUTES})"
    shown = {"view": "timeSeries", "period": _FIVE_MINUTES, "metrics": [[{"expression": search}]]}
    properties = {"title": title, "region": names.stack.region, **shown}
    return {"type": "metric", "x": 12 * (number % 2), "y": 6 * (number // 2), "width": 12, "height": 6, "properties": properties}
