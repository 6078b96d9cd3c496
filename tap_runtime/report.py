"""What Lambda's entries log: one JSON line an event, never a payload; metrics in CloudWatch's embedded metric format, by function."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import msgspec

from tap_runtime.lake import opened_at
from tap_runtime.manifest import Manifest

_SECONDS = dict.fromkeys(("batch_age", "oldest_open", "overdue"), "Seconds")
_UNITS = {"bytes": "Bytes", "landing": "Milliseconds", **_SECONDS}  # the others are counts


def metrics(function: str, now: dt.datetime, values: Mapping[str, float], **more: Any) -> str:
    """A log line that CloudWatch turns into metrics of the namespace `tapmesh`; `more` is only logged.

    Each stands for its function and for the mesh, which is the function's name without the tap: alarms are a mesh's, not a tap's.
    """
    named = [{"Name": name, "Unit": _UNITS.get(name, "Count")} for name in values]
    directive = {"Namespace": "tapmesh", "Dimensions": [["mesh", "function"], ["mesh"]], "Metrics": named}
    names = {"mesh": function.rpartition("-")[0], "function": function}
    head = {"_aws": {"Timestamp": int(now.timestamp() * 1000), "CloudWatchMetrics": [directive]}, **names}
    return msgspec.json.encode({**head, **more, **values}).decode()


def landed(function: str, manifest: Manifest, freshness_s: float, now: dt.datetime, took_ms: float) -> str:
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
    return metrics(function, now, values, event="landed", batch=manifest.batch, rows=manifest.counts.rows)


def failing(function: str, batch: str, now: dt.datetime, code: str, retry_s: float) -> str:
    """A batch could not land; it is kept and tried again."""
    return metrics(function, now, {"failing": 1}, event="failed", batch=batch, code=code, retry_s=retry_s)


def plain(event: str, **more: Any) -> str:
    """A line without metrics."""
    return msgspec.json.encode({"event": event, **more}).decode()
