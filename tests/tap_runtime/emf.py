"""CloudWatch's side of the embedded metric format: the metrics a log line becomes, or why it becomes none.

By its specification: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from typing import Any

_MOST_BYTES = 256 * 1024
_UNITS = {"Seconds", "Milliseconds", "Bytes", "Count"}  # those of CloudWatch's that we use
Metrics = dict[tuple[str, str, tuple[tuple[str, str], ...]], tuple[float, str]]


def extracted(line: str) -> Metrics:
    """(namespace, name, dimensions) -> (value, unit)."""
    assert len(line.encode()) <= _MOST_BYTES
    root = json.loads(line)
    head = root["_aws"]
    assert isinstance(head["Timestamp"], int) and len(str(head["Timestamp"])) == 13, "milliseconds since 1970"
    found: Metrics = {}
    for directive in head["CloudWatchMetrics"]:
        assert {*directive} == {"Namespace", "Dimensions", "Metrics"}
        assert 1 <= len(directive["Namespace"]) <= 1024
        assert directive["Dimensions"] and 1 <= len(directive["Metrics"]) <= 100
        for references in directive["Dimensions"]:
            for definition in directive["Metrics"]:
                key = (directive["Namespace"], definition["Name"], _dimensions(root, references))
                assert key not in found, "said twice"
                found[key] = _value(root, definition)
    return found


def _dimensions(root: dict[str, Any], references: list[str]) -> tuple[tuple[str, str], ...]:
    assert len(references) <= 30 and len({*references}) == len(references)
    assert all(isinstance(root[name], str) and 1 <= len(root[name]) <= 1024 and root[name].isascii() for name in references)
    return tuple((name, root[name]) for name in references)


def _value(root: dict[str, Any], definition: dict[str, Any]) -> tuple[float, str]:
    assert {*definition} <= {"Name", "Unit", "StorageResolution"} and definition["Unit"] in _UNITS
    value = root[definition["Name"]]
    assert type(value) in (int, float)
    return value, definition["Unit"]
