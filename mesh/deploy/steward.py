"""The steward and its schedule, the alarms, the dashboard."""

import pulumi
import pulumi_aws as aws

from mesh.deploy.lake import Lake
from mesh.deploy.scheduled import make_scheduled
from mesh.plan import MeshPlan
from mesh.plan.model import Alarm, Metric

_Query = aws.cloudwatch.MetricAlarmMetricQueryArgsDict
KIND = "tapmesh:mesh:Steward"


class Steward(pulumi.ComponentResource):
    """What watches the mesh."""

    def __init__(self, plan: MeshPlan, lake: Lake) -> None:
        super().__init__(KIND, "steward")
        inside = pulumi.ResourceOptions(parent=self)
        make_scheduled(plan.steward, lake.runtime, lake, self)
        for alarm in plan.alarms:
            _alarm(alarm, inside)
        aws.cloudwatch.Dashboard("dashboard", dashboard_name=plan.name, dashboard_body=plan.dashboard, opts=inside)


def _alarm(plan: Alarm, inside: pulumi.ResourceOptions) -> aws.cloudwatch.MetricAlarm:
    queries: list[_Query] = [{"id": name, "metric": _metric(metric, plan.period_s)} for name, metric in plan.metrics.items()]
    if plan.expression is not None:
        queries.append({"id": "compared", "expression": plan.expression, "label": plan.name})
    queries[-1]["return_data"] = True
    return aws.cloudwatch.MetricAlarm(
        plan.name.partition("_")[2],
        name=plan.name,
        alarm_description=plan.about,
        comparison_operator=plan.comparison,
        evaluation_periods=plan.periods,
        threshold=plan.threshold,
        treat_missing_data=plan.missing,
        metric_queries=queries,
        opts=inside,
    )


def _metric(metric: Metric, period_s: int) -> aws.cloudwatch.MetricAlarmMetricQueryMetricArgsDict:
    return {
        "metric_name": metric.name,
        "namespace": metric.namespace,
        "dimensions": dict(metric.dimensions),
        "stat": metric.stat,
        "period": period_s,
    }
