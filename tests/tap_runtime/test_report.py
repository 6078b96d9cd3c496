"""What is logged becomes metrics of the mesh by CloudWatch's specification, and of nothing else; taps are fields."""

import datetime as dt
import json

from tap_runtime import report
from tap_runtime.lake import new_batch
from tap_runtime.manifest import Counts, File, Manifest
from tests.tap_runtime.emf import extracted

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
MESH = (("mesh", "acme-eu-dev"),)


def test_a_landed_batch_is_told_in_figures_of_the_mesh_and_in_fields_of_its_tap() -> None:
    batch = new_batch(NOW - dt.timedelta(seconds=301), bytes)
    counts = Counts(requests=2, received=12, accepted=10, refused=2, read=9, quarantined=1, duplicates=0, rows=9)
    files = (File("parquet", "s", "k", 9, 700, "d"), File("quarantine", "s", "k", 3, 90, "d"))
    more = {"attempt": "a", "settings": "s", "opened_at": "o", "landed_at": "l", "senders": (), "faults": {}}
    manifest = Manifest(tap="service_requests", batch=batch, counts=counts, files=files, **more)
    line = report.landed("acme-eu-dev", "service_requests", manifest, 300, NOW, 41.7)
    assert extracted(line) == {
        ("tapmesh", "records", MESH): (12, "Count"),
        ("tapmesh", "quarantined", MESH): (3, "Count"),
        ("tapmesh", "bytes", MESH): (700, "Bytes"),
        ("tapmesh", "batch_age", MESH): (301.0, "Seconds"),
        ("tapmesh", "landing", MESH): (42, "Milliseconds"),
        ("tapmesh", "late", MESH): (1, "Count"),
    }
    fields = json.loads(line)
    assert (fields["event"], fields["tap"], fields["batch"], fields["rows"]) == ("landed", "service_requests", batch, 9)


def test_a_landing_that_failed_counts() -> None:
    line = report.failing("acme-eu-dev", "clicks", "b", NOW, "LakeDown", 2.5)
    assert extracted(line) == {("tapmesh", "failing", MESH): (1, "Count")}
    assert [json.loads(line)[name] for name in ("event", "tap", "batch", "code", "retry_s")] == ["failed", "clicks", "b", "LakeDown", 2.5]


def test_every_metric_has_its_unit() -> None:
    line = report.metrics("looked", "acme-eu-dev", NOW, dict.fromkeys(report.METRICS, 1))
    assert extracted(line) == {("tapmesh", name, MESH): (1, unit) for name, unit in report.METRICS.items()}
