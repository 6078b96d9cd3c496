"""A tap from taps.yaml, built and deployed, under Lambda's emulator in its own memory: what is posted is in Parquet."""

from dataclasses import replace
from pathlib import Path

import pytest

from mesh.plan import Stack, TapPlan, expand
from mesh.spec.load import load
from tap_runtime import lake
from tests.emulated import tap as taps
from tests.emulated.aws import Aws
from tests.emulated.fleet import MakeFleet
from tests.emulated.inside import fill
from tests.emulated.landed import rows
from tests.emulated.tap import Package
from tests.tap_runtime.emf import extracted

TAPS = """
version: 1
mesh: acme
people: {lead: {email: lead@acme.example}}
teams: {growth: [lead]}
defaults: {team: growth, public: true}
taps:
  buffered: {schema: {id: VARCHAR NOT NULL, n: INTEGER}, thresholds: {bytes: 1KB, age: 60s}}
  stored: {ack: stored, schema: {id: VARCHAR NOT NULL, n: INTEGER}, thresholds: {bytes: 1KB, age: 60s}}
  patient: {schema: {id: VARCHAR NOT NULL, n: INTEGER}}
  full: {schema: {id: VARCHAR NOT NULL, n: INTEGER}}
"""
LINES = b"".join(b'{"id":"line-%d","n":%d}\n' % (number, number) for number in range(200))
ROWS = sorted((f"line-{number}", number) for number in range(200))


@pytest.fixture(scope="session")
def plans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TapPlan]:
    file = tmp_path_factory.mktemp("mesh") / "taps.yaml"
    file.write_text(TAPS)
    checked = load(file)
    assert checked.mesh is not None, checked.problems
    names = checked.mesh.taps
    return {
        plan.name: plan for name in names for plan in expand(checked.mesh, Stack("test", bucket=f"acme-{name}")).taps if plan.name == name
    }


@pytest.mark.parametrize("name", ["buffered", "stored"])
def test_what_is_posted_lands_with_no_more_than_the_roles_rights(
    fleet: MakeFleet, s3: Aws, plans: dict[str, TapPlan], package: Package, tmp_path: Path, name: str
) -> None:
    store = taps.bucket(s3, f"acme-{name}")
    tap = fleet(taps.deployed(s3, f"acme-{name}", store, plans[name], package))
    answer = tap.post(LINES + b"not json\n", {"content-type": "application/x-ndjson"})
    tap.settle()
    assert answer.status == 200, tap.environments[0].logs()
    assert (answer.json()["accepted"], answer.json()["quarantined_count"]) == (200, 1)
    assert rows(store, name, tmp_path / "rows", "id, n") == ROWS
    assert [len(list(store.list(f"_mesh/{kind}/{name}/"))) for kind in ("landed", "quarantine", "open", "staged")] == [1, 1, 0, 0]
    assert tap.environments[0].memory().oom_kills == 0
    (said,) = [line for line in tap.environments[0].logs().splitlines() if '"_aws"' in line]
    assert {key: value for key, (value, _) in extracted(said).items() if key[1] in ("records", "quarantined", "late")} == {
        ("tapmesh", "records", (("mesh", "acme-test"),)): 201,
        ("tapmesh", "quarantined", (("mesh", "acme-test"),)): 1,
        ("tapmesh", "late", (("mesh", "acme-test"),)): 0,
    }


@pytest.mark.parametrize("name", ["patient", "full"])
def test_what_is_open_at_shutdown_is_saved_and_landed_by_another_environment(
    fleet: MakeFleet, s3: Aws, plans: dict[str, TapPlan], package: Package, tmp_path: Path, name: str
) -> None:
    """`full`: its /tmp has no room left by then."""
    store = taps.bucket(s3, f"acme-{name}")
    tap = fleet(replace(taps.deployed(s3, f"acme-{name}", store, plans[name], package), tmp_mb=16))
    batch = tap.post(LINES).json()["receipt"].rpartition("-")[0]
    tap.settle()
    assert rows(store, name, tmp_path / "rows", "id, n") == []
    if name == "full":
        fill(tap.environments[0].disk())
    tap.shutdown()
    assert [entry.key for entry in store.list("_mesh/open/")] == [lake.marker_key(name, batch)]
    asked = tap.invoke({"tapmesh": "land", "batch": batch})
    tap.settle()
    assert (asked.failed, asked.body) == (False, b'{"statusCode": 200}')
    assert rows(store, name, tmp_path / "rows", "id, n") == ROWS
    assert list(store.list("_mesh/open/")) == []
