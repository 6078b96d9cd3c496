"""The mesh's own program by the real engine: what `pulumi up` makes of `taps.yaml`."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.emulated.aws import Aws
from tests.engine.mesh import EXAMPLE, SECRET, SMALL, Mesh, empty, wipe
from tests.engine.plugin.cloud import Cloud
from tests.engine.stack import ROOT, DeployError, MakeStack, Provider, makes

TAPS = list(yaml.safe_load(EXAMPLE)["taps"])
SHARED = (
    *("bucket", "private", "owned", "encrypted", "expiry", "readers", "mesh", "runtime", "packages", "lander"),
    *("functions", "tables", "queries", "steward", "schedule", "lost", "quarantined", "failing", "overdue", "dashboard"),
)


@pytest.fixture
def small(tmp_path: Path, make_stack: MakeStack, cloud: Cloud) -> Iterator[Mesh]:
    """Two taps, signed; destroyed with what a stack keeps."""
    mesh = Mesh(tmp_path, SMALL, make_stack)
    mesh.sign()
    yield mesh
    wipe(mesh.stack, cloud)


@pytest.fixture
def deployer(provider: Provider, request: pytest.FixtureRequest) -> Provider:
    """Whoever may do no more than docs/deployer.json says; in a real account you are who you are.

    Resources are enforced for S3; others the emulator names otherwise than AWS does, a role without its path, a new function not at all. It
    takes GetLayerVersionByArn for ListLayers.
    """
    if not provider.variables:
        return provider
    account: Aws = request.getfixturevalue("account")
    document = json.loads((ROOT / "docs" / "deployer.json").read_text())
    for statement in document["Statement"]:
        if not statement["Action"][0].startswith("s3:"):
            statement["Resource"] = "*"
    document["Statement"].append({"Effect": "Allow", "Action": "lambda:ListLayers", "Resource": "*"})
    role = account.role("documented", json.dumps(document))
    return replace(provider, variables=role.variables(account.endpoint))


def test_the_example_mesh_goes_up_stays_the_same_and_comes_down_without_its_lake(tmp_path: Path, deployer: Provider, cloud: Cloud) -> None:
    granted = EXAMPLE.replace("until: 2027-12-31}]", 'until: 2027-12-31}]\n      read: [{account: "222222222222"}]')
    mesh = Mesh(tmp_path, granted, makes(tmp_path, deployer))
    mesh.sign()
    planned = mesh.stack.preview().changes
    assert set(planned) == {"create"}
    up = mesh.stack.up()
    assert re.findall("warning|deprecat", up.said, re.IGNORECASE) == []
    assert {step.name for step in up.steps} == {*TAPS, *SHARED}
    _outputs_can_be_used(up.outputs, tmp_path)
    assert re.findall(f"PRIVATE KEY|{SECRET}", mesh.stack.state.read_text()) == []
    assert {tap: secret_of(cloud, f"acme-dev-{tap}") for tap in TAPS} == {**dict.fromkeys(TAPS), "clicks": SECRET}
    again, refreshed = mesh.stack.up(), mesh.stack.refresh()
    assert ({*again.changes}, again.said, refreshed.changed) == ({"same"}, "", ())
    mesh.stack.destroy()
    assert mesh.stack.resources() == []
    s3 = cloud.client("s3")
    kept = {each["Key"].split("/")[1] for each in s3.list_objects_v2(Bucket="acme-lake-dev")["Contents"]}
    assert kept == {"mesh.json", "settings"}
    empty("acme-lake-dev", cloud)


def _outputs_can_be_used(outputs: Mapping[str, Any], folder: Path) -> None:
    assert (sorted(outputs["urls"]), outputs["lake"]) == (sorted(TAPS), "s3://acme-lake-dev")
    assert outputs["dashboard"].endswith("home?region=us-east-1#dashboards/dashboard/acme-dev")
    (folder / "tapmesh.env").write_text(outputs["tapmesh.env"])
    sourced = subprocess.run(
        ["sh", "-uc", '. ./tapmesh.env; echo "$TAPMESH_LAKE $AWS_REGION $TAPMESH_URL_CLICKS"'], cwd=folder, capture_output=True
    )
    region = outputs["dashboard"].partition("//")[2].partition(".")[0]
    assert sourced.stdout.decode() == f"s3://acme-lake-dev {region} {outputs['urls']['clicks']}\n"


def secret_of(cloud: Cloud, function: str) -> str | None:
    """What BoilingData's tokens are checked with there."""
    variables = cloud.client("lambda").get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    return variables.get("TAPMESH_BOILINGDATA_SECRET")  # type: ignore[no-any-return]


def test_a_deploy_that_failed_half_way_is_completed_by_the_next(
    tmp_path: Path, make_stack: MakeStack, provider: Provider, account: Aws, cloud: Cloud
) -> None:
    everything, but = {"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": "glue:CreateTable", "Resource": "*"}
    nearly = account.role("nearly", json.dumps({"Version": "2012-10-17", "Statement": [everything, but]}))
    poor = Mesh(tmp_path, SMALL, makes(tmp_path, replace(provider, variables=nearly.variables(account.endpoint))))
    poor.sign()
    with pytest.raises(DeployError, match="AccessDenied.*CreateTable") as failed:
        poor.stack.up()
    made = failed.value.outcome.changes["create"]
    rich = Mesh(tmp_path, SMALL, make_stack)
    changes = rich.stack.up().changes
    assert (set(changes) - {"update"}, made > 10) == ({"create", "same"}, True)
    assert set(rich.stack.up().changes) == {"same"}
    wipe(rich.stack, cloud)


def test_two_stacks_of_one_file_stand_side_by_side(tmp_path: Path, small: Mesh, make_stack: MakeStack, cloud: Cloud) -> None:
    small.stack.up()
    other = Mesh(tmp_path, SMALL, make_stack, "prod")
    other.sign()
    assert set(other.stack.up().changes) == {"create"}
    assert set(small.stack.up().changes) == {"same"}
    wipe(other.stack, cloud)


def test_nothing_is_made_while_anything_is_wrong(tmp_path: Path, make_stack: MakeStack) -> None:
    mesh = Mesh(tmp_path, SMALL.replace("x: INTEGER", "x: INTERGER"), make_stack, "faulty")
    faulty = {"stack-suffix": "Dev!", "architecture": "riscv", "bucket": "Acme_Lake", "buckets": "acme-lake"}
    mesh.stack.config({f"tapmesh:{key}": value for key, value in faulty.items()})
    with pytest.raises(DeployError, match="nothing was deployed; problems: 5") as failed:
        mesh.stack.preview()
    said = str(failed.value)
    assert "INTERGER is not a DuckDB type; did you mean INTEGER?" in said
    assert "Dev!: a stack's name here is a-z" in said
    assert "expected arm64 or x86_64, got riscv" in said
    assert "tapmesh:bucket: expected an S3 bucket name" in said
    assert "tapmesh:buckets: unknown key; did you mean bucket?" in said
    assert failed.value.outcome.steps == ()
    mesh = Mesh(tmp_path, SMALL, make_stack)
    with pytest.raises(DeployError, match="tapmesh:signing-key is missing; it signs the tokens that clicks, orders ask for"):
        mesh.stack.preview()
    mesh.stack.config({"tapmesh:signing-key": "not a key"}, secret=True)
    with pytest.raises(DeployError, match="expected Ed25519 private keys as PEM; make one") as failed:
        mesh.stack.preview()
    assert "not a key" not in str(failed.value)
    mesh.sign()
    taking = SMALL.replace("lead@acme.example}", "lead@acme.example, boilingdata: lead}")
    mesh.file.write_text(f"{taking}boilingdata: {{owner: lead@acme.example}}\n")
    mesh.stack.config({"tapmesh:boilingdata-secret": "short"}, secret=True)
    with pytest.raises(DeployError, match="tapmesh:boilingdata-secret is missing or no tap master secret; .*clicks, orders take"):
        mesh.stack.preview()


def test_whoever_has_no_good_credentials_is_told_in_two_lines(tmp_path: Path, provider: Provider) -> None:
    if not provider.variables:
        pytest.skip("in a real account you are who you are")
    wrong = replace(provider, variables={**provider.variables, "AWS_ACCESS_KEY_ID": "NOBODYS", "AWS_SESSION_TOKEN": "nobodys"})
    mesh = Mesh(tmp_path, SMALL, makes(tmp_path, wrong))
    mesh.sign()
    with pytest.raises(DeployError, match="nothing was deployed; AWS does not answer: .*token") as failed:
        mesh.stack.preview()
    assert "aws sts get-caller-identity says" in str(failed.value)
    assert ("Traceback" in str(failed.value), failed.value.outcome.steps) == (False, ())


def test_another_account_gets_the_table_to_read_through_the_access_point(small: Mesh, cloud: Cloud) -> None:
    readers = small.stack.up().outputs["readers"]
    account = cloud.client("sts").get_caller_identity()["Account"]
    (point,) = cloud.client("s3control").list_access_points(AccountId=account, Bucket="small-lake-dev")["AccessPointList"]
    assert set(readers) == {"orders"}
    assert f"LOCATION 's3://{point['Alias']}/orders/data/'" in readers["orders"]
    assert "small-lake-dev" not in readers["orders"]
