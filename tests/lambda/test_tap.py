"""A tap from taps.yaml, built and deployed, under Lambda's emulator in its own memory: what is posted is in Parquet."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from mesh.plan import TapPlan, plan_taps
from mesh.spec.load import load
from tap_runtime import lake
from tap_runtime.store import ObjectStore
from tests.emulated import tap as taps
from tests.emulated.aws import Aws
from tests.emulated.fleet import Fleet, MakeFleet
from tests.emulated.tap import Package

TAPS = """
version: 1
mesh: acme
people: {lead: {email: lead@acme.example}}
teams: {growth: [lead]}
defaults: {team: growth, public: true}
taps:
  buffered: {schema: {id: VARCHAR NOT NULL, n: INTEGER}, thresholds: {bytes: 1KB, age: 60s}}
  stored: {ack: stored, schema: {id: VARCHAR NOT NULL, n: INTEGER}, thresholds: {bytes: 1KB, age: 60s}}
"""
LINES = b"".join(b'{"id":"line-%d","n":%d}\n' % (number, number) for number in range(200))


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return taps.package(tmp_path_factory.mktemp("package"))
@pytest.fixture(scope="session")
def plans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TapPlan]:
    file = tmp_path_factory.mktemp("mesh") / "taps.yaml"
    file.write_text(TAPS)
    checked = load(file)
    assert checked.mesh is not None, checked.problems
    return {plan.name: plan for plan in plan_taps(checked.mesh, "test", ())}


def rows(store: ObjectStore, tap: str, folder: Path) -> list[tuple[str, int]]:
    """What is in the tap's Parquet."""
    files = []
    for entry in store.list(f"{tap}/data/"):
        files.append(str(folder / Path(entry.key).name))
        Path(files[-1]).write_bytes(store.get(entry.key) or b"")
    return duckdb.sql(f"select id, n from read_parquet({files}) order by n").fetchall() if files else []


@pytest.mark.parametrize("name", ["buffered", "stored"])
def test_what_is_posted_is_landed_with_the_roles_own_rights(
    fleet: MakeFleet, s3: Aws, plans: dict[str, TapPlan], package: Package, tmp_path: Path, name: str
) -> None:
    bucket = f"acme-{name}"
    store = taps.bucket(s3, bucket)
    tap = fleet(taps.deployed(s3, bucket, store, plans[name], package))
    answer = tap.post(LINES + b"not json\n", {"content-type": "application/x-ndjson"})
    tap.settle()
    print(tap.environments[0].logs(), answer)
    assert (answer.status, answer.json()["accepted"], answer.json()["quarantined_count"]) == (200, 200, 1)
    assert rows(store, name, tmp_path) == [(f"line-{number}", number) for number in range(200)]
    (manifest,) = store.list(f"_mesh/landed/{name}/")
    assert list(store.list(f"_mesh/open/{name}/")) == []
    for environment in tap.environments: print(environment.memory(), environment.cpu(), environment.reports())
