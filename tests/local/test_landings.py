"""What the page remembers of landings and quarantine: the newest few, whatever lies in the lake."""

import datetime as dt
import gzip
import json
from pathlib import Path
from typing import Any

from mesh.local.live.landings import KEPT, Landing, Landings, earlier_landings
from mesh.local.live.quarantine import Quarantined, Sample, quarantined
from tap_runtime import lake
from tap_runtime.store import folder_store

NOW = dt.datetime(2026, 11, 23, 21, 0, tzinfo=dt.UTC)
COUNTS = {"requests": 1, "received": 5, "accepted": 4, "refused": 1, "read": 3, "quarantined": 1, "duplicates": 0, "rows": 3}


def batch(minute: int) -> str:
    return f"{NOW + dt.timedelta(minutes=minute):%Y%m%dT%H%M%S}Z-{minute:032x}"


def put_manifest(folder: Path, minute: int) -> None:
    files = [{"kind": kind, "staged": "s", "key": "k", "rows": 3, "bytes": 70, "sha256": "0"} for kind in ("parquet", "quarantine")]
    times = {"opened_at": "2026-11-23T21:00:00Z", "landed_at": f"2026-11-23T21:00:{minute % 60:02}Z"}
    names = {"format": 1, "tap": "clicks", "batch": batch(minute), "attempt": "a", "settings": "s"}
    body = json.dumps({**names, **times, "counts": COUNTS, "senders": [], "faults": {}, "files": files})
    folder_store(folder).put(lake.manifest_key("clicks", batch(minute)), body.encode())


def landed(minute: int, **more: Any) -> dict[str, Any]:
    return {"event": "landed", "tap": "clicks", "batch": batch(minute), "bytes": 70, "took_ms": 9, **COUNTS, **more}


def test_the_newest_manifests_are_read_over_days_and_broken_ones_passed_over(tmp_path: Path) -> None:
    for minute in range(0, 3000, 100):
        put_manifest(tmp_path, minute)
    newest = tmp_path / lake.manifest_key("clicks", batch(2950))
    newest.write_bytes(b'{"format": 1, half of it')
    newest.with_name("unfinished#1").write_bytes(b"")
    found = earlier_landings(tmp_path, "clicks")
    assert [landing.batch for landing in found] == [batch(minute) for minute in range(2900, 2900 - 100 * KEPT, -100)]
    assert found[0] == Landing(batch(2900), NOW.replace(second=20), 3, 70, 2, None)
    assert earlier_landings(tmp_path, "nowhere") == []


def test_what_was_heard_stands_before_what_is_remembered_and_each_once() -> None:
    landings = Landings()
    landings.hear(landed(2), NOW)
    earlier = [Landing(batch(minute), NOW, 3, 70, 2, None) for minute in (2, 1, 0)]
    landings.remember("clicks", earlier)
    assert [(landing.batch, landing.took_ms) for landing in landings.of("clicks")] == [(batch(2), 9), (batch(1), None), (batch(0), None)]
    assert (landings.rows, landings.bad.total(), landings.has_ended(batch(2)), landings.has_ended(batch(1))) == (3, 2, True, False)
    for minute in range(3, 100):
        landings.hear(landed(minute), NOW)
    assert len(landings.of("clicks")) == KEPT


def test_landings_are_in_order_of_time_whatever_their_batches_are_called() -> None:
    landings = Landings()
    late = NOW + dt.timedelta(seconds=1)
    landings.remember("clicks", [Landing(batch(1), NOW, 3, 70, 2, None), Landing(batch(0), late, 3, 70, 2, None)])
    landings.hear(landed(2), NOW + dt.timedelta(seconds=2))
    assert [landing.batch for landing in landings.of("clicks")] == [batch(2), batch(0), batch(1)]


def test_trouble_lasts_until_the_next_landing() -> None:
    landings = Landings()
    landings.hear({"event": "failed", "tap": "clicks", "batch": batch(0), "why": "the lake cannot be written", "retry_s": 4.0}, NOW)
    assert landings.trouble("clicks") == "cannot land yet: the lake cannot be written; kept, and tried again until it lands"
    landings.hear({"event": "restarted"}, NOW)
    landings.hear(landed(0), NOW)
    assert (landings.trouble("clicks"), landings.trouble("logs")) == (None, None)
    landings.hear({"event": "lost", "tap": "clicks", "batch": batch(1), "at_most": {"requests": 1, "records": 20, "bytes": 9}}, NOW)
    assert landings.trouble("clicks") == "a spool has vanished: presumed lost, at most 20 records"
    assert landings.has_ended(batch(1))


def test_quarantine_is_told_by_reason_with_different_samples_and_no_more_than_a_page_holds(tmp_path: Path) -> None:
    entries = [
        {"reason": "bad x", "record": f'{{"x":"{number % 3}"}}', "sender": "lead", "received_at": "2026-11-23T21:00:00Z"}
        for number in range(9)
    ]
    entries.append({"reason": "900 more bad lines", "record": "y" * 5000, "lines": 900})
    entries.append({"reason": "not UTF-8", "record_base64": "/w=="})
    entries += [{"reason": f"seldom {'a' * number}", "record": "z"} for number in range(600)]
    path = tmp_path / lake.quarantine_key("clicks", batch(0))
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress("".join(json.dumps(entry) + "\n" for entry in entries).encode()))
    told = quarantined(tmp_path, "clicks", (batch(0), batch(1)))
    found = told.reasons
    assert [(reason.reason, reason.lines) for reason in found[:3]] == [("more bad lines", 900), ("bad x", 9), ("not UTF-8", 1)]
    assert found[1].samples[0] == Sample('{"x":"0"}', "lead", "2026-11-23T21:00:00Z")
    assert len({sample.text for sample in found[1].samples}) == 2
    assert found[0].samples[0].text.endswith("y … (5,000 characters)")
    assert (found[2].samples[0].text, len(found)) == ("base64: /w==", 8)
    assert told.more == 500 - 9 - 2 - 5, "the first 500 entries are looked at"


def test_reasons_that_differ_by_a_number_alone_are_one(tmp_path: Path) -> None:
    reasons = ["not UTF-8 (byte 1)", "not UTF-8 (byte 2,300)", "$.x1: bad", "$.x2: bad", "nested deeper than 100"]
    entries = [{"reason": reason, "record": reason} for reason in reasons]
    entries += [{"reason": f"{lines} more bad lines", "record": "y", "lines": lines} for lines in (30, 20)]
    path = tmp_path / lake.quarantine_key("clicks", batch(0))
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress("".join(json.dumps(entry) + "\n" for entry in entries).encode()))
    told = [(reason.reason, reason.lines) for reason in quarantined(tmp_path, "clicks", (batch(0),)).reasons]
    assert told[:2] == [("more bad lines", 50), ("not UTF-8 (byte …)", 2)]
    assert told[2:] == [("$.x1: bad", 1), ("$.x2: bad", 1), ("nested deeper than 100", 1)]


def test_a_torn_quarantine_file_shows_nothing(tmp_path: Path) -> None:
    path = tmp_path / lake.quarantine_key("clicks", batch(5))
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress(b'{"reason":"a","record":"b"}\n')[:-5])
    assert quarantined(tmp_path, "clicks", (batch(5),)) == Quarantined()
