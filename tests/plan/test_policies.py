"""No function may do more than the runtime does, and may do all of it: the runtime's own calls are recorded and judged."""

import datetime as dt
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mesh.plan import MeshPlan, Stack, TapPlan, expand
from mesh.plan.access import Policy, Statement
from mesh.plan.model import Role
from tap_runtime import lake
from tap_runtime.steward import Steward
from tests.plan.golden import PLANS, mesh, plan
from tests.plan.recording import ARN, Call, Recorded, Recording, allows
from tests.tap_runtime.local_tap import START, LocalTap, column, settings


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> set[Call]:
    """All calls of a tap's life, whichever way it acknowledges."""
    return {call for ack in ("buffered", "stored") for call in Recorded(tmp_path_factory.mktemp(ack), ack=ack, keep_days=400).live()}


@pytest.fixture(scope="module")
def example() -> dict[str, TapPlan]:
    """The example mesh's taps."""
    return {tap.name: tap for tap in plan("example-dev").taps}


def test_a_taps_role_may_do_all_that_its_runtime_does(calls: set[Call], example: dict[str, TapPlan]) -> None:
    assert sorted(call for call in calls if not allows(example["clicks"].role.policy, *call)) == []
    assert len(calls) > 40


def test_a_taps_role_may_do_nothing_that_its_runtime_does_not(calls: set[Call], example: dict[str, TapPlan]) -> None:
    done = {(action, _kind(key)) for action, key in calls}
    granted = {(action, _kind(key)) for action, key in _grants(example["clicks"].role.policy)}
    parts = {("s3:AbortMultipartUpload", "_mesh/staged/clicks"), ("s3:GetObjectTagging", "_mesh/staged/clicks")}
    unseen = {("s3:ListBucket", "_mesh/settings/clicks"), ("s3:ListBucket", "_mesh/open/clicks")}  # asked for what was deleted by hand
    assert granted - done == (parts | unseen) - done


def _kind(key: str) -> str:
    parts = key.split("/")
    return "/".join(parts[: 3 if parts[0] == "_mesh" else 2])


def _grants(policy: Policy) -> Iterator[Call]:
    for statement in policy.statements:
        for action in statement.actions:
            if action == "s3:ListBucket":
                yield from ((action, prefix) for prefix in statement.conditions["StringLike"]["s3:prefix"])
            elif action.startswith("s3:"):
                yield from ((action, resource.removeprefix(f"{ARN}/")) for resource in statement.resources)


def test_a_taps_role_may_do_nothing_of_anothers(calls: set[Call], example: dict[str, TapPlan]) -> None:
    for name, tap in example.items():
        if name != "clicks":
            assert sorted(call for call in calls if allows(tap.role.policy, *call)) == []
    policy = example["clicks"].role.policy
    for prefix in ("", "_mesh/", "_mesh/open/", "_mesh/stored/", "clicks/", "clicks/data/", "_mesh/open/clicks2/"):
        assert not allows(policy, "s3:ListBucket", prefix), prefix


def test_data_and_manifests_cannot_be_deleted(example: dict[str, TapPlan]) -> None:
    batch = lake.new_batch(START, os.urandom)
    keys = [lake.data_key("clicks", batch), lake.manifest_key("clicks", batch), lake.quarantine_key("clicks", batch)]
    assert [allows(example["clicks"].role.policy, "s3:DeleteObject", key) for key in keys] == [False] * 3


def test_the_stewards_role_may_do_all_that_it_does(tmp_path: Path) -> None:
    policy = plan("example-dev").steward.role.policy
    invoked: list[str] = []
    recording: list[Recording] = []
    for ack in ("buffered", "stored"):
        tap = LocalTap(tmp_path / ack, settings((column("id", "VARCHAR"),), ack=ack))
        tap.post(b'{"id":"a"}')
        recording.append(Recording(tap.store))
        steward = Steward(
            recording[-1], "acme-dev-", lambda function, event: invoked.append(function), lambda tap=tap: tap.now, lambda line: None
        )
        for hours in (0, 1, 30):
            tap.now = START + dt.timedelta(hours=hours)
            steward.look()
    calls = {call for each in recording for call in each.calls}
    assert sorted(call for call in calls if not allows(policy, *call)) == []
    assert {*invoked} == {"acme-dev-clicks"}
    assert {action for action, _ in calls} == {"s3:GetObject", "s3:ListBucket", "s3:PutObject", "s3:DeleteObject"}
    assert not any(allows(policy, "s3:GetObject", key) for key in ("clicks/data/x", "_mesh/stored/clicks/x/0", "_mesh/quarantine/clicks/x"))


def _roles(planned: MeshPlan) -> Iterator[tuple[str, Role]]:
    yield from ((tap.name, tap.role) for tap in planned.taps)
    yield from (("", role) for role in (planned.steward.role, *_called(planned)))


def _called(planned: MeshPlan) -> Iterator[Role]:
    """The roles of schedules, which may call one function each."""
    yield from (each.schedule_role for each in (planned.steward, *(source.scheduled for source in planned.sources)))


def _allowed(planned: MeshPlan, tap: str) -> re.Pattern[str]:
    """The resources a role may name, by tap; of the mesh's own roles without one."""
    scheduled = (planned.steward, *(source.scheduled for source in planned.sources))
    bucket, function = re.escape(planned.lake.bucket), "|".join(re.escape(each.function.name) for each in scheduled)
    log_group = rf"arn:aws:logs:[^:]+:[^:]+:log-group:{re.escape(planned.log_group)}:\*"
    own = rf"{tap}/data/\*|_mesh/[a-z]+/{tap}/\*" if tap else r"_mesh/(open|lost|settings|landed)/\*"
    calls = "" if tap else rf"|arn:aws:lambda:[^:]+:[^:]+:function:({planned.name}-\*|{function})"
    return re.compile(rf"arn:aws:s3:::{bucket}(/({own}))?|{log_group}{calls}")


@pytest.mark.parametrize("name", PLANS)
def test_no_policy_is_wider_than_its_own(name: str) -> None:
    planned = plan(name)
    for tap, role in _roles(planned):
        for statement in role.policy.statements:
            assert statement.resources and statement.actions
            assert [action for action in statement.actions if not re.fullmatch(r"[a-z0-9]+:[A-Za-z]+", action)] == []
            assert [each for each in statement.resources if not _allowed(planned, tap).fullmatch(each)] == []
            if planned.lake.bucket in [each.split(":")[-1] for each in statement.resources]:
                prefixes = statement.conditions["StringLike"]["s3:prefix"]
                assert statement.actions == ("s3:ListBucket",)
                assert [each for each in prefixes if not re.fullmatch(rf"_mesh/[a-z]+/{f'{tap}/' if tap else ''}\*", each)] == []


def test_a_source_may_reach_its_bookmark_what_that_names_and_its_taps_function_alone() -> None:
    (source,) = plan("whole-prod").sources
    account = "eu-west-1:111111111111"
    assert source.scheduled.role.policy == Policy(
        (
            Statement(("ssm:GetParameter", "ssm:PutParameter"), (f"arn:aws:ssm:{account}:parameter/tapmesh/acme-prod/requests",)),
            Statement(
                ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"),
                ("arn:aws:s3:::acme-lake-of-record/_mesh/sources/requests/*",),
            ),
            Statement(("lambda:InvokeFunction",), (f"arn:aws:lambda:{account}:function:acme-prod-requests",)),
            Statement(("logs:CreateLogStream", "logs:PutLogEvents"), (f"arn:aws:logs:{account}:log-group:/tapmesh/acme-prod:*",)),
        )
    )
    (call,) = source.scheduled.schedule_role.policy.statements
    assert call.resources == (f"arn:aws:lambda:{account}:function:acme-prod_source_requests",)


def test_readers_reach_one_taps_data_through_its_access_point() -> None:
    planned = plan("whole-prod")
    point = planned.taps[0].access_point
    assert point is not None
    arn = f"arn:aws:s3:eu-west-1:111111111111:accesspoint/{point.name}"
    readers = {"AWS": ("arn:aws:iam::222222222222:role/analyst", "arn:aws:iam::012345678901:root")}
    assert point.policy == Policy(
        (
            Statement(("s3:GetObject",), (f"{arn}/object/clicks/data/*",), {}, readers),
            Statement(("s3:ListBucket",), (arn,), {"StringLike": {"s3:prefix": ("clicks/data/*",)}}, readers),
        )
    )
    assert planned.lake.policy is not None
    through = {"ArnLike": {"s3:DataAccessPointArn": ("arn:aws:s3:eu-west-1:111111111111:accesspoint/acme-prod-*",)}}
    assert [(each.actions, each.conditions) for each in planned.lake.policy.statements] == [
        (("s3:GetObject",), through),
        (("s3:ListBucket",), through),
    ]
    assert plan("example-dev").lake.policy is None


def test_a_role_can_be_taken_on_by_what_runs_with_it_only() -> None:
    planned = expand(mesh(PLANS["example-dev"][0]), Stack("dev", account="111111111111"))
    services = {role.trust.json() for _, role in _roles(planned)} | {source.scheduled.role.trust.json() for source in planned.sources}
    assert services == {
        '{"Statement": [{"Action": ["sts:AssumeRole"], "Effect": "Allow", "Principal": {"Service": ["lambda.amazonaws.com"]}}], '
        '"Version": "2012-10-17"}',
        '{"Statement": [{"Action": ["sts:AssumeRole"], "Condition": {"StringEquals": {"aws:SourceAccount": ["111111111111"]}}, '
        '"Effect": "Allow", "Principal": {"Service": ["scheduler.amazonaws.com"]}}], "Version": "2012-10-17"}',
    }
