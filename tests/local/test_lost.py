"""A spool that vanishes is reported, at most so many; nothing else ever is."""

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

from mesh.local.lander import Loop, sweep
from mesh.local.workspace import Workspace
from tap_runtime import lake
from tap_runtime.store import folder_store
from tests.local.conftest import RunningMesh
from tests.tap_runtime.local_tap import LocalTap, settings


def test_a_spool_that_vanished_is_reported_as_presumed_lost(mesh: RunningMesh) -> None:
    mesh.file.write_text(mesh.file.read_text().replace("age: 1s", "age: 300s"))
    mesh.start()
    _, receipt = mesh.post("buffered", b'{"id":"a","n":1}\n')
    shutil.rmtree(mesh.folder / ".mesh/spool/buffered")
    mesh.wait_for(lambda: "has vanished: presumed lost, at most" in mesh.log.read_text(), "the report")
    assert mesh.run("trace", receipt["receipt"]).stdout.startswith("state:    lost in buffered")
    status = json.loads(mesh.run("status", "--json").stdout)
    assert [(tap["tap"], tap["lost_batches"]) for tap in status if tap["lost_batches"]] == [("buffered", 1)]
    assert mesh.post("buffered", b'{"id":"b","n":1}\n')[0] == 200
    mesh.stop()
    assert mesh.query("select id from buffered") == [{"id": "b"}]
    assert mesh.leftovers() == []


def test_what_is_reported_lost_is_bounded_by_the_marker_as_it_is_now(tmp_path: Path) -> None:
    tap = LocalTap(tmp_path, settings())
    told: list[dict[str, Any]] = []
    loop = Loop(Workspace(tmp_path), tap.lander(), told.append, overdue_s=60)
    tap.post(b"{}")
    loop.round(everything=False)
    assert tap.post(b"{}\n" * 50_000).status == 200
    shutil.rmtree(tmp_path / "spool/clicks")
    loop.round(everything=False)
    ((event, records),) = [(event["event"], event["at_most"]["records"]) for event in told]
    assert event == "lost" and records >= 50_001


def test_a_start_sweeps_what_a_late_loser_staged_and_not_what_an_open_batch_did(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    store = folder_store(workspace.lake)
    opened, gone = f"20260701T120000Z-{'0' * 32}", f"20260701T120000Z-{'1' * 32}"
    kept = [lake.marker_key("clicks", opened), f"{lake.staged_prefix('clicks', opened, 'a')}0"]
    for key in (*kept, f"{lake.staged_prefix('clicks', gone, 'b')}0", f"{lake.staged_prefix('orders', opened, 'c')}0"):
        store.put(key, b"{}")
    sweep(workspace, store, time.time())
    assert sorted(entry.key for entry in store.list("_mesh/")) == kept


def test_a_start_sweeps_uploads_that_a_kill_left_and_none_that_the_server_is_writing(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    store = folder_store(workspace.lake)
    written, left = workspace.lake / "written#1", workspace.lake / "left#1"
    for upload in (written, left):
        upload.write_bytes(b"{}")
    os.utime(left, (time.time() - 3600,) * 2)
    sweep(workspace, store, time.time() - 60)
    assert [written.exists(), left.exists()] == [True, False]
