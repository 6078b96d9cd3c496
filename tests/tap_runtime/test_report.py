"""Metrics stand for their function and for the mesh it is of."""

import datetime as dt
import json

from tap_runtime import report


def test_a_metric_is_of_the_function_and_of_the_mesh() -> None:
    line = json.loads(report.metrics("acme-eu-dev-service_requests", dt.datetime(2026, 11, 23, tzinfo=dt.UTC), {"lost": 1, "overdue": 3}))
    assert line == {
        "_aws": {
            "Timestamp": 1795392000000,
            "CloudWatchMetrics": [
                {
                    "Namespace": "tapmesh",
                    "Dimensions": [["mesh", "function"], ["mesh"]],
                    "Metrics": [{"Name": "lost", "Unit": "Count"}, {"Name": "overdue", "Unit": "Seconds"}],
                }
            ],
        },
        "mesh": "acme-eu-dev",
        "function": "acme-eu-dev-service_requests",
        "lost": 1,
        "overdue": 3,
    }
