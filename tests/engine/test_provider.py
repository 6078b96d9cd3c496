"""The life of every resource type under the real engine: what previews, updates, replacements, refreshes and deletions are."""

import json
from pathlib import Path
from typing import Any

from tests.engine.everything import everything, policy, zipped
from tests.engine.plugin.cloud import Cloud
from tests.engine.plugin.kinds import KINDS
from tests.engine.plugin.resource import Resource, State
from tests.engine.stack import MakeStack, Stack


def test_a_preview_creates_every_type_and_touches_nothing(make_stack: MakeStack, tmp_path: Path) -> None:
    stack = make_stack(everything(tmp_path))
    previewed = stack.preview()
    assert {step.type for step in previewed.changed} == set(KINDS)
    assert previewed.changes == {"create": 23}
    assert (previewed.said, stack.resources()) == ("", [])


def test_what_nobody_changed_stays_as_it_is(make_stack: MakeStack, tmp_path: Path) -> None:
    stack = make_stack(everything(tmp_path))
    assert stack.up().changes == {"create": 23}
    assert stack.up().changes == {"same": 23}
    assert stack.refresh().changes == {"same": 23}


EDITS: dict[str, dict[str, Any]] = {
    "lake": {"tags": {"mesh": "acme", "stage": "dev"}},
    "private": {"restrict_public_buckets": True},
    "owner": {"rule": {"object_ownership": "BucketOwnerPreferred"}},
    "encrypted": {"rules": [{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}, "bucket_key_enabled": True}]},
    "through": {"policy": policy(Principal={"AWS": "222222222222"}, Action="s3:ListBucket", Resource="arn:aws:s3:::acme-lake")},
    "expiry": {"rules": [{"id": "keep-30", "status": "Enabled", "filter": {"prefix": "x/"}, "expiration": {"days": 30}}]},
    "settings": {"content": '{"format":2}'},
    "runtime": {"description": "The next one"},
    "clicks-role": {"description": "Runs the tap"},
    "clicks-policy": {"policy": policy(Action=["s3:PutObject"], Resource="arn:aws:s3:::acme/clicks/*")},
    "clicks": {"memory_size": 256},
    "clicks-url": {"cors": {"allow_origins": ["https://www.acme.example"], "allow_methods": ["POST"], "max_age": 300}},
    "logs": {"retention_in_days": 30},
    "errors": {"threshold": 5},
    "refused": {"threshold": 0.2},
    "dashboard": {"dashboard_body": json.dumps({"widgets": []})},
    "caller-role": {"path": "/acme/"},
    "every-minute": {"schedule_expression": "rate(2 minutes)"},
    "mesh": {"description": "Of acme"},
    "clicks-table": {"parameters": {"projection.enabled": "true", "projection.year.type": "integer", "projection.year.range": "2026,2036"}},
    "analysts": {"description": "For analysts"},
    "readers": {"policy": policy(Principal="*", Action="s3:GetObject", Resource="*")},
}
CHANGES = {
    "lake": ("update", ("tags.stage",)),
    "private": ("update", ("restrictPublicBuckets",)),
    "owner": ("update", ("rule.objectOwnership",)),
    "encrypted": ("update", ("rules[0].bucketKeyEnabled",)),
    "through": ("update", ("policy",)),
    "expiry": ("update", ("rules[0].expiration.days", "rules[0].filter.prefix", "rules[0].filter.tag", "rules[0].id", "rules[1]")),
    "settings": ("update", ("content",)),
    "code": ("update", ("source",)),
    "runtime": ("replace", ("description",)),
    "clicks-role": ("update", ("description",)),
    "clicks-policy": ("update", ("policy",)),
    "clicks": ("update", ("layers[0]", "memorySize")),
    "clicks-url": ("update", ("cors.allowOrigins[0]",)),
    "logs": ("update", ("retentionInDays",)),
    "errors": ("update", ("threshold",)),
    "refused": ("update", ("threshold",)),
    "dashboard": ("update", ("dashboardBody",)),
    "caller-role": ("replace", ("path",)),
    "every-minute": ("update", ("scheduleExpression", "target.roleArn")),
    "mesh": ("update", ("description",)),
    "clicks-table": ("update", ('parameters["projection.year.range"]',)),
    "analysts": ("update", ("description",)),
    "readers": ("update", ("policy",)),
}


def test_an_edit_of_each_type_is_that_edit_and_a_destroy_leaves_nothing(make_stack: MakeStack, tmp_path: Path, cloud: Cloud) -> None:
    stack = make_stack(everything(tmp_path))
    stack.up()
    edited = everything(tmp_path, {**EDITS, "code": {"source": zipped(tmp_path, "def handler(event, context): return 2")}})
    previewed, updated = stack.preview(edited), stack.up(edited)
    for outcome in (previewed, updated):
        steps = {step.name: (step.op, step.paths) for step in outcome.changed if step.op in ("update", "replace", "create", "delete")}
        assert steps == CHANGES
        assert {step.type for step in outcome.changed} == set(KINDS)
    assert stack.up(edited).changes == {"same": 23}
    _is_in_the_cloud(stack, cloud)
    made = stack.resources()
    assert stack.destroy().changes == {"delete": 23}
    assert [each["urn"] for each in made if _read(each, cloud)] == []


def _is_in_the_cloud(stack: Stack, cloud: Cloud) -> None:
    """Each edit, by asking the account itself."""
    name = {each["urn"].rpartition("::")[2]: each["id"] for each in stack.resources() if "id" in each}
    s3, functions = cloud.client("s3"), cloud.client("lambda")
    bucket, function = name["lake"], name["clicks"]
    assert s3.get_object(Bucket=bucket, Key="_mesh/settings.json")["Body"].read() == b'{"format":2}'
    assert s3.get_object_tagging(Bucket=bucket, Key="_mesh/settings.json")["TagSet"] == [{"Key": "keep", "Value": "400"}]
    tags = s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
    assert {each["Key"]: each["Value"] for each in tags} == {"mesh": "acme", "stage": "dev"}
    configuration = functions.get_function(FunctionName=function)
    assert configuration["Configuration"]["MemorySize"] == 256
    assert configuration["Configuration"]["Environment"] == {"Variables": {"TAPMESH_LAKE": f"s3://{bucket}"}}
    assert configuration["Configuration"]["Layers"][0]["Arn"] == name["runtime"]
    assert configuration["Concurrency"] == {"ReservedConcurrentExecutions": 5}
    allowed = json.loads(functions.get_policy(FunctionName=function)["Policy"])["Statement"]
    assert sorted(each["Action"] for each in allowed) == ["lambda:InvokeFunction", "lambda:InvokeFunctionUrl"]
    table = cloud.client("glue").get_table(DatabaseName=bucket.replace("-", "_"), Name="clicks")["Table"]
    assert table["Parameters"]["projection.year.range"] == "2026,2036"
    assert table["PartitionKeys"] == [{"Name": "year", "Type": "int"}, {"Name": "hour", "Type": "int", "Comment": "of UTC"}]
    groups = cloud.client("logs").describe_log_groups(logGroupNamePrefix=name["logs"])["logGroups"]
    assert [each["retentionInDays"] for each in groups] == [30]


def _read(resource: dict[str, Any], cloud: Cloud) -> State | None:
    kind = KINDS.get(resource["type"])
    return Resource(kind, cloud).read(State(resource["id"], resource["outputs"])) if kind else None
