"""Grants of the example mesh as deployed functions hold them: the matrix, and a right that ends with a deploy."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from mesh.grants.keys import new_keyring
from mesh.plan import Stack, TapPlan, expand
from mesh.spec import load
from mesh.spec.mesh import Mesh
from tap_runtime.settings import BOILINGDATA_SECRET
from tests.emulated import tap as taps
from tests.emulated.aws import Aws
from tests.emulated.deployed import Deployed
from tests.emulated.fleet import MakeFleet
from tests.emulated.tap import Package
from tests.grants.matrix import SECRET, Case, cases

ROOT = Path(__file__).parents[2]
STACK = "grants"
KEYRING = new_keyring()


def example(text: str, folder: Path) -> Mesh:
    (folder / "taps.yaml").write_text(text)
    if not (folder / "sql").exists():
        (folder / "sql").symlink_to(ROOT / "sql")
    checked = load(folder / "taps.yaml")
    assert checked.mesh is not None, checked.problems
    return checked.mesh


def planned(mesh: Mesh, bucket: str, tap: str) -> TapPlan:
    return next(plan for plan in expand(mesh, Stack(STACK, KEYRING.public(), bucket=bucket)).taps if plan.name == tap)


def with_secrets(deployed: Deployed, plan: TapPlan) -> Deployed:
    """Of the secrets only those that the plan gives the function, as the deployment does."""
    secrets = {BOILINGDATA_SECRET: SECRET}
    return replace(deployed, variables={**deployed.variables, **{name: secrets[name] for name in plan.function.secrets}})


@pytest.mark.parametrize("tap", load(ROOT / "taps.yaml").mesh.taps)  # type: ignore[union-attr]
def test_a_function_lets_in_exactly_whom_who_can_names(fleet: MakeFleet, s3: Aws, package: Package, tmp_path: Path, tap: str) -> None:
    mesh, bucket = example((ROOT / "taps.yaml").read_text(), tmp_path), f"acme-grants-{tap.replace('_', '-')}"
    plan = planned(mesh, bucket, tap)
    function = fleet(with_secrets(taps.deployed(s3, bucket, taps.bucket(s3, bucket), plan, package), plan))
    asked = [case for case in cases(mesh, STACK, KEYRING, dt.datetime.now(dt.UTC)) if case.tap == tap]
    answers = {case: function.post(b"", _headers(case)).status for case in asked}
    assert {case.what: status for case, status in answers.items() if (status == 200) != case.allowed} == {}
    assert set(answers.values()) == {200, 401, 403}
    some = next(case for case in asked if case.allowed)
    assert function.post(b"", query=f"x-bd-authorization={some.token}").json()["error"] == "no_token"
    function.settle()
    logs = function.environments[0].logs()
    assert [case.what for case in asked if case.token is not None and case.token in logs] == []
    assert SECRET not in logs


def _headers(case: Case) -> dict[str, str]:
    return {} if case.token is None else {"X-BD-Authorization": case.token}


def test_a_right_ends_with_the_deploy_and_what_was_accepted_lands(fleet: MakeFleet, s3: Aws, package: Package, tmp_path: Path) -> None:
    text = (ROOT / "taps.yaml").read_text().replace("write: [growth]", "write: [partner]")
    before, bucket = example(text, tmp_path), "acme-ends"
    store = taps.bucket(s3, bucket)
    function = fleet(taps.deployed(s3, bucket, store, planned(before, bucket, "lambda_telemetry"), package))
    asked = cases(before, STACK, KEYRING, dt.datetime.now(dt.UTC))
    (case,) = [case for case in asked if (case.tap, case.what) == ("lambda_telemetry", "partner's")]
    line = b'{"time":"2026-11-25T12:00:00Z","type":"platform.start"}\n'
    accepted = function.post(line, _headers(case))
    assert (accepted.status, accepted.json()["accepted"]) == (200, 1)
    after = planned(example(text.replace("write: [partner]", "write: []"), tmp_path), bucket, "lambda_telemetry")
    old = function.environments[0]
    function.settle()
    function.deploy(taps.deployed(s3, bucket, store, after, package))
    refused = function.post(line, _headers(case))
    assert (refused.status, refused.json()["error"]) == (403, "not_granted")
    old.shutdown()
    batch = accepted.json()["receipt"].rpartition("-")[0]
    function.invoke({"tapmesh": "land", "batch": batch})
    function.settle()
    (manifest,) = [store.get(entry.key) for entry in store.list("_mesh/landed/lambda_telemetry/")]
    assert manifest is not None and b'"sender":"partner"' in manifest
