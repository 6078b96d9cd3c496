"""The example mesh's cases, each run by the product itself: accepted, spooled, rendered, read back."""

import datetime as dt
import os
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest
import yaml

from mesh.plan import Stack, expand
from mesh.spec import load
from tap_runtime import lake, spool
from tap_runtime.accept import Acceptor
from tap_runtime.http import Request
from tap_runtime.land import Lander
from tap_runtime.room import Room
from tap_runtime.store import folder_store

ROOT = Path(__file__).parents[2]
MESH = load(ROOT / "taps.yaml").mesh
assert MESH is not None
PLANS = {plan.name: plan for plan in expand(MESH, Stack("test")).taps}
CASES = sorted((ROOT / "cases").glob("*/*.yaml"))
NOW = dt.datetime(2026, 11, 23, 21, 0, tzinfo=dt.UTC)


def test_every_tap_has_a_case() -> None:
    assert {case.parent.name for case in CASES} == set(PLANS)


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_case(case: Path, tmp_path: Path) -> None:
    wanted = yaml.safe_load(case.read_text())
    rows = landed_rows(case.parent.name, wanted["input"].encode(), tmp_path)
    assert [{name: row[name] for name in expected} for row, expected in zip(rows, wanted["rows"], strict=True)] == wanted["rows"]


def landed_rows(tap: str, body: bytes, folder: Path) -> list[dict[str, Any]]:
    settings = public(PLANS[tap].settings)
    store = folder_store(folder / "lake")
    store.put(lake.settings_key(tap, settings.sha256()), settings.to_json())
    acceptor = Acceptor(settings, store, folder / "spool", os.urandom)
    answer = acceptor.accept(Request("POST", {}, body), NOW)
    assert (answer.status, b'"quarantined_count":0' in answer.body) == (200, True), answer.body
    acceptor.seal()
    lander = Lander(store, folder / "spool", Room(folder / "scratch"), lambda: NOW, os.urandom)
    for _, batch in [*spool.batches(folder / "spool", "sealed")]:
        lander.land_spooled(tap, batch)
    for entry in store.list(lake.OPEN):
        lander.land_stored(tap, entry.key.rpartition("/")[2])
    found = duckdb.sql(f"select * from read_parquet('{folder}/lake/{tap}/data/*/*/*/*/*.parquet', hive_partitioning=false)")
    return [dict(zip(found.columns, map(plain, row), strict=True)) for row in found.fetchall()]


def public(settings: Any) -> Any:
    return msgspec.structs.replace(settings, public=True)


def plain(value: Any) -> Any:
    return value if value is None or isinstance(value, int | float | str) else str(value)
