"""The mesh's own program by the real engine: what `pulumi up` makes of `taps.yaml`, and what of an edit."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tap_runtime.settings import read_settings
from tests.engine.mesh import EXAMPLE, SMALL, Mesh, empty, ops, wipe
from tests.engine.plugin.cloud import Cloud
from tests.engine.stack import DeployError, MakeStack

SETTINGS, FUNCTION = "aws:s3/bucketObjectv2:BucketObjectv2", "aws:lambda/function:Function"


@pytest.fixture
def small(tmp_path: Path, make_stack: MakeStack, cloud: Cloud) -> Iterator[Mesh]:
    """Two taps, signed; destroyed with what a stack keeps."""
    mesh = Mesh(tmp_path, SMALL, make_stack)
    mesh.sign()
    yield mesh
    wipe(mesh.stack, cloud)


def test_the_example_mesh_goes_up_stays_the_same_and_comes_down_without_its_lake(
    tmp_path: Path, make_stack: MakeStack, cloud: Cloud
) -> None:
    mesh = Mesh(tmp_path, EXAMPLE, make_stack)
    mesh.sign()
    planned = mesh.stack.preview().changes
    assert set(planned) == {"create"}
    up = mesh.stack.up()
    taps = ["clicks", "lambda_telemetry", "logs", "metrics", "orders_cdc", "search_export", "service_requests"]
    assert (sorted(up.outputs["urls"]), up.outputs["lake"]) == (taps, "s3://acme-lake-dev")
    assert f"export TAPMESH_URL_CLICKS={up.outputs['urls']['clicks']}\n" in up.outputs["tapmesh.env"]
    assert "PRIVATE KEY" not in mesh.stack.state.read_text()
    again, refreshed = mesh.stack.up(), mesh.stack.refresh()
    assert ({*again.changes}, again.said, refreshed.changed) == ({"same"}, "", ())
    mesh.stack.destroy()
    assert mesh.stack.resources() == []
    s3 = cloud.client("s3")
    kept = {each["Key"].split("/")[1] for each in s3.list_objects_v2(Bucket="acme-lake-dev")["Contents"]}
    assert kept == {"mesh.json", "settings"}
    empty("acme-lake-dev", cloud)


def test_an_edit_is_one_settings_object_and_one_function(small: Mesh, cloud: Cloud) -> None:
    small.stack.up()
    one = [("replace", SETTINGS, "clicks"), ("update", FUNCTION, "clicks")]
    table, url = "aws:glue/catalogTable:CatalogTable", "aws:lambda/functionUrl:FunctionUrl"
    clicks = "clicks: {schema: {id: VARCHAR, x: INTEGER}"
    assert ops(small.edit(clicks, f"{clicks}, thresholds: {{age: 30s}}")) == one
    assert ops(small.edit("thresholds: {age: 30s}", "thresholds: {age: 30s}, memory: 256MB")) == one
    assert ops(small.edit("thresholds: {age: 30s}", "thresholds: {age: 30s}, origins: [https://shop.acme.example]")) == [
        *one,
        ("update", url, "clicks"),
    ]
    assert ops(small.edit("x: INTEGER", "x: BIGINT")) == [one[0], ("update", table, "clicks"), one[1]]
    held = cloud.client("s3").list_objects_v2(Bucket="small-lake-dev", Prefix="_mesh/settings/clicks/")["Contents"]
    assert len(held) == 5  # what open batches were accepted under stays


def test_a_tap_is_closed_then_removed_and_only_then_its_role_goes(small: Mesh, cloud: Cloud) -> None:
    small.stack.up()
    role = next(each["id"] for each in small.stack.resources() if each["type"] == "aws:iam/role:Role" and each["id"].startswith("clicks-"))
    closed = small.edit("clicks: {schema", "clicks: {closed: true, schema")
    assert ("delete", "aws:lambda/functionUrl:FunctionUrl", "clicks") in ops(closed)
    assert "clicks: closed; once tapmesh status shows nothing open, delete its block" in closed.said
    removed = small.edit("  clicks: {closed: true, schema: {id: VARCHAR, x: INTEGER}}\n", "")
    assert {name for _, _, name in ops(removed)} == {"clicks"}
    iam = cloud.client("iam")
    with pytest.raises(iam.exceptions.NoSuchEntityException, match=role):
        iam.get_role(RoleName=role)


def test_two_stacks_of_one_file_stand_side_by_side(tmp_path: Path, small: Mesh, make_stack: MakeStack, cloud: Cloud) -> None:
    small.stack.up()
    other = Mesh(tmp_path, SMALL, make_stack, "prod")
    other.sign()
    assert set(other.stack.up().changes) == {"create"}
    assert set(small.stack.up().changes) == {"same"}
    wipe(other.stack, cloud)


def test_nothing_is_made_while_anything_is_wrong(tmp_path: Path, make_stack: MakeStack) -> None:
    mesh = Mesh(tmp_path, SMALL.replace("x: INTEGER", "x: INTERGER"), make_stack)
    mesh.stack.config({"tapmesh:stack-suffix": "Dev!", "tapmesh:architecture": "riscv"})
    with pytest.raises(DeployError, match="nothing was deployed; problems: 3") as failed:
        mesh.stack.preview()
    said = str(failed.value)
    assert "INTERGER is not a DuckDB type; did you mean INTEGER?" in said
    assert "Dev!: a stack's name here is a-z" in said
    assert "expected arm64 or x86_64, got riscv" in said
    assert failed.value.outcome.steps == ()
    mesh.file.write_text(SMALL)
    mesh.stack.config({"tapmesh:stack-suffix": "dev", "tapmesh:architecture": "arm64"})
    with pytest.raises(DeployError, match="tapmesh:signing-key is missing; it signs the tokens that clicks, orders ask for"):
        mesh.stack.preview()
    mesh.stack.config({"tapmesh:signing-key": "not a key"}, secret=True)
    with pytest.raises(DeployError, match="expected Ed25519 private keys as PEM; make one") as failed:
        mesh.stack.preview()
    assert "not a key" not in str(failed.value)


def test_a_function_runs_by_the_settings_it_names_and_by_its_public_key(small: Mesh, cloud: Cloud) -> None:
    small.stack.up()
    told = cloud.client("lambda").get_function(FunctionName="small-dev-clicks")["Configuration"]
    key = told["Environment"]["Variables"]["TAPMESH_SETTINGS"]
    settings = read_settings(cloud.client("s3").get_object(Bucket="small-lake-dev", Key=key)["Body"].read())
    assert (settings.tap, settings.issuer, len(settings.keys), told["Handler"]) == (
        "clicks",
        "small/dev",
        1,
        "tap_runtime.function.handler",
    )
    assert key.endswith(f"{settings.sha256()}.json")
