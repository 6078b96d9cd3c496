"""What `pulumi up` makes of an edit of `taps.yaml` or a team's SQL: no more than was meant, and nothing that was acknowledged is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mesh.deploy.tap import KIND
from tap_runtime import lake
from tests.emulated.aws import Aws
from tests.engine.mesh import SMALL, Mesh, ops, tapmesh, wipe
from tests.engine.plugin.cloud import Cloud
from tests.engine.served import Served
from tests.engine.stack import MakeStack

SETTINGS, FUNCTION = "aws:s3/bucketObjectv2:BucketObjectv2", "aws:lambda/function:Function"
URL, TABLE, POLICY, ROLE = (
    "aws:lambda/functionUrl:FunctionUrl",
    "aws:glue/catalogTable:CatalogTable",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/role:Role",
)
ONE = [("replace", SETTINGS, "clicks"), ("update", FUNCTION, "clicks")]
BUCKET, CLICKS = "small-lake-dev", "clicks: {sql: clicks.sql, ack: stored, schema: {id: VARCHAR, x: INTEGER}}"


@pytest.fixture
def small(tmp_path: Path, make_stack: MakeStack, cloud: Cloud) -> Iterator[Mesh]:
    """Two taps, deployed; destroyed with what a stack keeps."""
    mesh = Mesh(tmp_path, SMALL, make_stack)
    mesh.sign()
    mesh.stack.up()
    yield mesh
    wipe(mesh.stack, cloud)


def test_an_edit_is_one_settings_object_and_one_function(small: Mesh, cloud: Cloud) -> None:
    (small.file.parent / "clicks.sql").write_text("select * from events where x > 0")
    assert ops(small.stack.up()) == ONE
    assert ops(small.edit(CLICKS, CLICKS[:-1] + ", grants: {write: [partner]}}")) == ONE
    assert ops(small.edit("grants: {write: [partner]}", "thresholds: {age: 30s}")) == ONE
    assert ops(small.edit("age: 30s}", "age: 30s}, memory: 256MB")) == ONE
    assert ops(small.edit("age: 30s}", "age: 30s}, origins: [https://shop.acme.example]")) == [*ONE, ("update", URL, "clicks")]
    assert ops(small.edit("x: INTEGER", "x: BIGINT")) == [ONE[0], ("update", TABLE, "clicks"), ONE[1]]
    held = cloud.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="_mesh/settings/clicks/")["Contents"]
    assert len(held) == 7  # what open batches were accepted under stays


def test_a_tap_is_closed_then_removed_and_only_then_its_role_goes(small: Mesh, cloud: Cloud) -> None:
    role = _role(small)
    closed = small.edit(CLICKS, CLICKS[:-1] + ", closed: true}")
    assert ops(closed) == [("delete", URL, "clicks"), *ONE]
    assert "clicks: closed; once tapmesh status shows nothing open, delete its block" in closed.said
    removed = small.edit(f"  {CLICKS[:-1]}, closed: true}}\n", "")
    assert ({name for _, _, name in ops(removed)}, removed.said) == ({"clicks"}, "")
    iam = cloud.client("iam")
    with pytest.raises(iam.exceptions.NoSuchEntityException, match=role):
        iam.get_role(RoleName=role)


def test_what_a_renamed_tap_had_open_is_landed_by_hand_and_its_data_stays(
    small: Mesh, cloud: Cloud, account: Aws, served: Served, tmp_path: Path
) -> None:
    role, url = _role(small), small.stack.outputs()["urls"]["clicks"]
    served.serve("small-dev-clicks", account, cloud, tmp_path)
    receipt = small.send(account.function_url(url), "small/dev", "lead", "clicks", b'{"id":"a","x":1}\n')["receipt"]
    served.vanish()
    small.save("clicks: {sql", "visits: {sql")
    kept = "clicks: not in the file any more: its URL, function and table go; its data, settings and role stay"
    previewed, renamed = small.stack.preview(), small.stack.up()
    assert kept in previewed.said
    assert f"{kept}; tapmesh land --tap clicks --lake s3://{BUCKET} lands what is open" in renamed.said
    made = {SETTINGS, FUNCTION, URL, TABLE, POLICY, ROLE}
    assert {step for step in ops(renamed) if step[2] == "visits"} == {("create", kind, "visits") for kind in made}
    assert {step for step in ops(renamed) if step[2] == "clicks"} == {("delete", kind, "clicks") for kind in {*made, KIND}}
    assert {name for _, _, name in ops(renamed)} == {"clicks", "visits"}
    assert cloud.client("iam").get_role(RoleName=role)["Role"]["RoleName"] == role
    batch = receipt.rpartition("-")[0]
    assert [each["Key"] for each in cloud.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=lake.OPEN)["Contents"]] == [
        lake.marker_key("clicks", batch)
    ]
    assert tapmesh("land", "--tap", "clicks", "--lake", f"s3://{BUCKET}") == [f"{batch}: landed, 1 rows, 0 in quarantine"]
    assert tapmesh("query", "select id, x from clicks", "--format", "csv", "--lake", f"s3://{BUCKET}") == ["id,x", "a,1"]


def _role(mesh: Mesh) -> str:
    (role,) = [each["id"] for each in mesh.stack.resources() if each["type"] == ROLE and each["id"].startswith("clicks-")]
    return str(role)
