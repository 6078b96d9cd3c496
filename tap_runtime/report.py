"""What Lambda's entries log: one JSON object a line, never a payload.

Metrics are the mesh's, these ten however many taps there are: CloudWatch takes them out of lines in its embedded metric format.
A tap's own figures are fields of the same lines, which the dashboard's queries add up (docs/cost.md says why).
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import msgspec

from tap_runtime.lake import opened_at
from tap_runtime.manifest import Manifest

METRICS = {  # each with its unit
    "records": "Count",
    "quarantined": "Count",
    "bytes": "Bytes",
    "batch_age": "Seconds",
    "landing": "Milliseconds",
    "late": "Count",
    "failing": "Count",
    "oldest_open": "Seconds",
    "overdue": "Seconds",
    "lost": "Count",
}


def metrics(event: str, mesh: str, now: dt.datetime, values: Mapping[str, float], **more: Any) -> str:
    """A log line whose `values` CloudWatch adds to the metrics of the mesh in its stack, `acme-dev`; `more` is only logged."""
    named = [{"Name": name, "Unit": METRICS[name]} for name in values]
    directive = {"Namespace": "tapmesh", "Dimensions": [["mesh"]], "Metrics": named}
    head = {"_aws": {"Timestamp": int(now.timestamp() * 1000), "CloudWatchMetrics": [directive]}}
    return msgspec.json.encode({**head, "event": event, "mesh": mesh, **more, **values}).decode()


def landed(mesh: str, tap: str, manifest: Manifest, freshness_s: float, now: dt.datetime, took_ms: float) -> str:
    """A batch has landed."""
    age_s = (now - opened_at(manifest.batch)).total_seconds()
    values = {
        "records": manifest.counts.received,
        "quarantined": manifest.counts.refused + manifest.counts.quarantined,
        "bytes": sum(file.bytes for file in manifest.files if file.kind == "parquet"),
        "batch_age": round(age_s, 1),
        "landing": round(took_ms),
        "late": int(age_s > freshness_s),
    }
    return metrics("landed", mesh, now, values, tap=tap, batch=manifest.batch, rows=manifest.counts.rows)


def failing(mesh: str, tap: str, batch: str, now: dt.datetime, code: str, retry_s: float) -> str:
    """A batch could not land; it is kept and tried again."""
    return metrics("failed", mesh, now, {"failing": 1}, tap=tap, batch=batch, code=code, retry_s=retry_s)


def plain(event: str, **more: Any) -> str:
    """A line without metrics."""
    return msgspec.json.encode({"event": event, **more}).decode()
