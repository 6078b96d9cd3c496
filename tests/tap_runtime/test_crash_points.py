"""The process dies, the lake goes down or a reply is lost at every single call: whatever was acknowledged is there once."""

import multiprocessing
import os
from collections import Counter
from pathlib import Path

import pytest

from tap_runtime import lake
from tap_runtime.errors import LakeDown
from tap_runtime.manifest import read_manifest
from tests.tap_runtime.faults import CRASHED, FaultyStore
from tests.tap_runtime.local_tap import LocalTap, check_counts, column, settings

COLUMNS = (column("id", "VARCHAR"), column("x", "INTEGER"))
STEPS = ("sealed", "rendered", "staged", "committed", "published", "swept", "unspooled", "cleaned")
REQUESTS = (("a", None), ("b", "key"), ("b", "key"), ("c", None), ("d", "other"))  # b is sent twice
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.tap_runtime.test_crash_points"])


def body(name: str) -> bytes:
    """One request: three good records, one bad line."""
    good = f'{{"id":"{name}1","x":1}}\n{{"id":"{name}2","x":2}}\n'
    return good.encode() + f'{{"id":"{name}3","x":7}}\n{{"id":"{name}4","x":"bad"}}\n'.encode()


def make(root: Path, ack: str, fault: str = "", at: int = -1) -> LocalTap:
    """The tap these tests share."""
    return LocalTap(root, settings(COLUMNS, ack=ack), lambda store: FaultyStore(store, fault, at))


def post_all(tap: LocalTap, acknowledged: Path) -> None:
    """Posts the requests; each that is answered 200 is written down only then."""
    for name, key in REQUESTS:
        if tap.post(body(name), **({"idempotency_key": key} if key else {})).status == 200:
            with acknowledged.open("a") as file:
                file.write(name)


def live(root: Path, ack: str, fault: str, at: int) -> None:
    """A whole life: post, seal, land."""
    tap = make(root, ack, fault, at)
    post_all(tap, root / "acknowledged")
    tap.acceptor.seal()
    tap.land_all()


def land_until(root: Path, ack: str, last: str) -> None:
    """Lands, and dies once it has done the step `last`."""
    make(root, ack).land_all(lambda name: os._exit(CRASHED) if name == last else None)


def in_child(target: object, *arguments: object) -> int:
    """Runs it in a process of its own; its exit code."""
    process = _processes.Process(target=target, args=arguments)
    process.start()
    process.join(60)
    assert process.exitcode in (0, CRASHED)
    return process.exitcode


def audit(tap: LocalTap, acknowledged: str) -> None:
    """Everything acknowledged stands in Parquet or quarantine once, anything else at most once, and nothing is left over."""
    keys = [entry.key for entry in tap.store.list("")]
    assert [key for key in keys if key.startswith(("_mesh/staged/", "_mesh/open/"))] == []
    seals = [tap.store.get(key) or b"" for key in keys if key.startswith("_mesh/stored/")]
    assert [body for body in seals if b'"kind":"seal"' not in body] == []
    assert not list((tap.root / "spool").rglob("*.ndjson"))
    manifests = [read_manifest(tap.store.get(key) or b"") for key in keys if key.startswith("_mesh/landed/")]
    for manifest in manifests:
        check_counts(manifest)
    rows = [name for (name,) in tap.rows("select id from events_out")] if any(".parquet" in key for key in keys) else []
    bad = [str(entry["record"]) for entry in tap.quarantined()]
    assert len(rows) == sum(manifest.counts.rows for manifest in manifests) == sum(manifest.counts.read for manifest in manifests)
    assert len(bad) == sum(manifest.counts.refused + manifest.counts.quarantined for manifest in manifests)
    found = Counter(rows) + Counter(record.split('"')[3] for record in bad)
    keyed_once = tap.settings.ack == "stored"
    for name in "abcd":
        times = {found[f"{name}{number}"] for number in range(1, 5)}
        sent, answered = ("bb" if name == "b" and not keyed_once else name), acknowledged.count(name)
        assert times <= set(range(min(answered, len(sent)), len(sent) + 1)) and len(times) == 1, (name, answered, found)


@pytest.mark.parametrize("fault", ["crash-before", "crash-after"])
@pytest.mark.parametrize("ack", ["buffered", "stored"])
def test_a_crash_at_any_call_loses_and_doubles_nothing(tmp_path: Path, ack: str, fault: str) -> None:
    at, code = 0, CRASHED
    while code == CRASHED:
        root = tmp_path / str(at)
        root.mkdir()
        (root / "acknowledged").touch()
        code = in_child(live, root, ack, fault, at)
        tap = make(root, ack)
        tap.land_all()
        audit(tap, (root / "acknowledged").read_text())
        at += 1
    assert at > 10
    assert (root / "acknowledged").read_text() == "abbcd"


@pytest.mark.parametrize("ack", ["buffered", "stored"])
@pytest.mark.parametrize("first", STEPS)
def test_landers_that_die_one_after_another_change_nothing(tmp_path: Path, ack: str, first: str) -> None:
    for second in ("rendered", "committed", "published", "swept"):
        root = tmp_path / second
        tap = make(root, ack)
        post_all(tap, root / "acknowledged")
        codes = [in_child(land_until, root, ack, first), in_child(land_until, root, ack, second)]
        assert ack == "buffered" or codes[0] == CRASHED
        tap.land_all()
        audit(tap, "abbcd")


@pytest.mark.parametrize("fault", ["lost-reply", "down-before", "down-after"])
@pytest.mark.parametrize("ack", ["buffered", "stored"])
def test_a_lost_reply_or_a_moment_without_the_lake_loses_and_doubles_nothing(tmp_path: Path, ack: str, fault: str) -> None:
    at = 0
    while True:
        root = tmp_path / str(at)
        try:
            live(root, ack, fault, at)
        except LakeDown:
            assert fault != "lost-reply"
        tap = make(root, ack)
        if ack == "buffered":
            tap.land_all()
        tap.land_all()
        acknowledged = (root / "acknowledged").read_text()
        assert acknowledged == "abbcd" or fault != "lost-reply"
        audit(tap, acknowledged)
        at += 1
        if at > 35:
            break
    assert [entry.key for entry in tap.store.list(lake.OPEN)] == []
