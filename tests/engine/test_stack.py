"""What the engine makes of a program that fails, drifts, keeps secrets, retains, or is run twice at once."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pulumi
import pulumi_aws as aws
import pytest

from tests.emulated.aws import Aws
from tests.engine.everything import policy, trust
from tests.engine.plugin.cloud import Cloud
from tests.engine.stack import DeployError, MakeStack, Program, Provider, Stack

RETAINED = pulumi.ResourceOptions(retain_on_delete=True)


def role(logical: str = "clicks", /, **properties: object) -> aws.iam.Role:
    """The smallest resource that has a name of its own."""
    return aws.iam.Role(logical, assume_role_policy=trust("lambda"), **properties)  # type: ignore[arg-type]


@pytest.fixture
def stack(make_stack: MakeStack) -> Iterator[Stack]:
    """Empty; whatever a test leaves is destroyed."""
    made = make_stack(lambda: None)
    yield made
    if made.resources():
        made.destroy()


def test_what_drifted_is_found_by_a_refresh_and_put_right_by_the_next_up(stack: Stack, cloud: Cloud) -> None:
    def program() -> None:
        role(description="Runs the tap")
        aws.cloudwatch.LogGroup("logs", retention_in_days=14)

    stack.up(program)
    cloud.client("iam").update_role(RoleName=stack.resource("clicks")["id"], Description="by hand")
    cloud.client("logs").delete_log_group(logGroupName=stack.resource("logs")["id"])
    assert {(step.op, step.name) for step in stack.refresh().changed} == {("update", "clicks"), ("delete", "logs")}
    repaired = stack.up(program)
    assert {(step.op, step.name, step.paths) for step in repaired.changed} == {
        ("update", "clicks", ("description",)),
        ("create", "logs", ()),
    }


def test_a_secret_reaches_the_cloud_and_is_ciphertext_in_the_state(stack: Stack, cloud: Cloud) -> None:
    stack.config({"tapmesh:key": "correct horse"}, secret=True)

    def program() -> None:
        key = pulumi.Config("tapmesh").require_secret("key")
        made = aws.glue.CatalogDatabase("mesh", parameters={"key": key}, description=pulumi.Output.concat("key ", key))
        pulumi.export("key", made.parameters)

    stack.up(program)
    told = cloud.client("glue").get_database(Name=stack.resource("mesh")["id"].partition(":")[2])["Database"]
    assert (told["Parameters"], told["Description"]) == ({"key": "correct horse"}, "key correct horse")
    assert "correct horse" not in stack.state.read_text()
    stack.refresh()
    assert "correct horse" not in stack.state.read_text()
    stack.config({"tapmesh:key": "battery staple"}, secret=True)
    assert [(step.op, step.paths) for step in stack.up(program).changed] == [("update", ("description", "parameters.key"))]


def test_a_name_nobody_gave_is_kept_until_the_resource_is_replaced(stack: Stack) -> None:
    def program(**properties: str) -> Program:
        return lambda: pulumi.export("name", role(**properties).name)

    first = stack.up(program()).outputs["name"]
    assert stack.up(program(description="other")).outputs["name"] == first
    replaced = stack.up(program(path="/acme/"))
    assert [step.op for step in replaced.steps] == ["create-replacement", "replace", "delete-replaced"]
    assert replaced.outputs["name"] not in (first, "clicks")


def test_a_name_the_program_gave_is_freed_before_it_is_taken_again(stack: Stack) -> None:
    stack.up(lambda: role(name="acme-clicks"))
    replaced = stack.up(lambda: role(name="acme-clicks", path="/acme/"))
    assert [step.op for step in replaced.steps] == ["delete-replaced", "replace", "create-replacement"]


def test_a_deploy_that_failed_half_way_is_completed_by_the_next(stack: Stack) -> None:
    def program(whose: str | None) -> Program:
        def run() -> None:
            made, lake = role(), aws.s3.Bucket("lake")
            aws.iam.RolePolicy(
                "clicks-policy", role=whose or made.name, policy=policy(Action="s3:ListBucket", Resource="*"), opts=_after(lake)
            )

        return run

    with pytest.raises(DeployError, match="NoSuchEntity.*nobody") as failed:
        stack.up(program("nobody"))
    assert {(step.op, step.name) for step in failed.value.outcome.changed} == {("create", "clicks"), ("create", "lake")}
    assert stack.up(program(None)).changes == {"same": 2, "create": 1}
    assert stack.up(program(None)).changes == {"same": 3}


def _after(resource: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(depends_on=[resource])


def test_a_value_of_the_wrong_type_is_refused_before_anything_is_made(stack: Stack) -> None:
    def program() -> None:
        aws.cloudwatch.MetricAlarm("errors", comparison_operator="GreaterThanThreshold", evaluation_periods="often")  # type: ignore[arg-type]

    with pytest.raises(DeployError, match="EvaluationPeriods"):
        stack.preview(program)


def test_what_is_retained_outlives_its_program_and_its_stack(stack: Stack, cloud: Cloud) -> None:
    made: list[str] = []

    def program() -> None:
        role("settings", opts=RETAINED).name.apply(made.append)
        aws.s3.Bucket("lake", opts=RETAINED).id.apply(made.append)

    stack.up(program)
    names = {each["id"]: each["type"] for each in stack.resources() if "id" in each}
    bucket = stack.resource("lake")["id"]
    kept = stack.resource("settings")["id"]
    cloud.client("s3").put_object(Bucket=bucket, Key="clicks/data/a", Body=b"a")
    assert set(made) <= set(names)
    stack.up(lambda: aws.s3.Bucket("lake", opts=RETAINED))
    stack.destroy()
    assert stack.resources() == []
    assert cloud.client("iam").get_role(RoleName=kept)["Role"]["RoleName"] == kept
    assert cloud.client("s3").get_object(Bucket=bucket, Key="clicks/data/a")["Body"].read() == b"a"
    cloud.client("s3").delete_object(Bucket=bucket, Key="clicks/data/a")
    cloud.client("s3").delete_bucket(Bucket=bucket)
    cloud.client("iam").delete_role(RoleName=kept)


def test_a_bucket_that_exists_is_adopted_and_left(stack: Stack, cloud: Cloud) -> None:
    name = f"acme-adopted-{uuid4().hex[:12]}"
    cloud.client("s3").create_bucket(Bucket=name)
    adopted = stack.up(lambda: pulumi.export("arn", aws.s3.Bucket.get("lake", name).arn))
    assert adopted.outputs == {"arn": f"arn:aws:s3:::{name}"}
    stack.destroy()
    cloud.client("s3").head_bucket(Bucket=name)
    cloud.client("s3").delete_bucket(Bucket=name)


def test_the_tags_of_every_resource_may_be_given_once(stack: Stack, cloud: Cloud) -> None:
    stack.config({"aws:defaultTags": '{"tags": {"mesh": "acme"}}'})
    stack.up(lambda: pulumi.export("all", role(tags={"tap": "clicks"}).tags_all))
    tags = cloud.client("iam").list_role_tags(RoleName=stack.resource("clicks")["id"])["Tags"]
    assert {each["Key"]: each["Value"] for each in tags} == {"mesh": "acme", "tap": "clicks"}


def test_the_second_of_two_deploys_at_once_is_refused_in_words(stack: Stack, make_stack: MakeStack) -> None:
    running, finish = threading.Event(), threading.Event()

    def slow() -> None:
        running.set()
        finish.wait(60)

    with ThreadPoolExecutor() as pool:
        first = pool.submit(stack.up, slow)
        assert running.wait(60)
        try:
            with pytest.raises(DeployError, match="currently locked"):
                make_stack(lambda: None).up()
        finally:
            finish.set()
        first.result()


def test_half_of_a_resource_is_kept_and_the_rest_made_by_the_next_up(
    tmp_path: Path, provider: Provider, account: Aws, cloud: Cloud
) -> None:
    poor = account.role("half", policy(Action=["logs:CreateLogGroup", "logs:Describe*", "logs:List*"], Resource="*"))

    def program() -> None:
        aws.cloudwatch.LogGroup("logs", retention_in_days=14)

    with pytest.raises(DeployError, match=r"AccessDenied.*PutRetentionPolicy"):
        Stack(tmp_path, replace(provider, variables=poor.variables(account.endpoint)), program).up()
    rich = Stack(tmp_path, provider, program)
    half = rich.resource("logs")
    assert half["initErrors"]
    assert {(step.op, step.name) for step in rich.up().changed} == {("update", "logs")}
    groups = cloud.client("logs").describe_log_groups(logGroupNamePrefix=half["id"])["logGroups"]
    assert [group["retentionInDays"] for group in groups] == [14]
    assert rich.up().changes == {"same": 1}
    rich.destroy()


def test_a_deployer_without_the_permission_is_told_which(tmp_path: Path, provider: Provider, account: Aws) -> None:
    poor = account.role("deployer", policy(Action="iam:*", Resource="*"))
    stack = Stack(tmp_path, replace(provider, variables=poor.variables(account.endpoint)), lambda: aws.s3.Bucket("lake"))
    with pytest.raises(DeployError, match=r"AccessDenied.*CreateBucket"):
        stack.up()
