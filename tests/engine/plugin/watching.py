"""Logs, alarms and dashboards."""

from tests.engine.plugin.kind import Kind, Part, Tags

WATCHING = [
    Kind(
        "aws:cloudwatch/logGroup:LogGroup",
        client="logs",
        create="create_log_group",
        read="describe_log_groups",
        delete="delete_log_group",
        id="{name}",
        aliases={"name": "logGroupName logGroupNamePrefix"},
        found="logGroups",
        autoname=("name", 512),
        replaces=frozenset({"name", "logGroupClass"}),
        local=frozenset({"skipDestroy"}),
        computed={"arn": "arn:aws:logs:{region}:{account}:log-group:{name}"},
        parts=(Part(("retentionInDays",), "put_retention_policy", "delete_retention_policy"),),
        tags=Tags("tag_resource", "untag_resource", "list_tags_for_resource"),
    ),
    Kind(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        client="cloudwatch",
        create="put_metric_alarm",
        read="describe_alarms",
        update=("put_metric_alarm",),
        delete="delete_alarms",
        id="{name}",
        aliases={"name": "AlarmName AlarmNames", "metricQueries": "Metrics"},
        found="MetricAlarms",
        unread=frozenset({"metricQueries"}),  # the emulator does not keep them
        autoname=("name", 255),
        replaces=frozenset({"name"}),
        computed={"arn": "AlarmArn"},
        tags=Tags("tag_resource", "untag_resource", "list_tags_for_resource"),
    ),
    Kind(
        "aws:cloudwatch/dashboard:Dashboard",
        client="cloudwatch",
        create="put_dashboard",
        read="get_dashboard",
        update=("put_dashboard",),
        delete="delete_dashboards",
        id="{dashboardName}",
        aliases={"dashboardName": "DashboardName DashboardNames"},
        replaces=frozenset({"dashboardName"}),
        computed={"dashboardArn": "arn:aws:cloudwatch::{account}:dashboard/{dashboardName}"},
    ),
]
