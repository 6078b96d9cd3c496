"""Names fit what AWS takes at their longest, and are nobody else's."""

import dataclasses
import re

import pytest

from mesh.plan import BadStack, MeshPlan, Stack, expand
from tests.plan.golden import PLANS, mesh

FILE, _ = PLANS["example-dev"]
LONGEST = "t" * 29


def _own(plan: MeshPlan) -> set[str]:
    """What the mesh itself has in the namespaces of its taps' functions."""
    scheduled = (plan.steward, *(source.scheduled for source in plan.sources))
    return {name for each in scheduled for name in (each.function.name, each.schedule_name)}


def _longest(*taps: str) -> MeshPlan:
    example = mesh(FILE)
    tap = example.taps["clicks"]
    named = {name: dataclasses.replace(tap, name=name, read=mesh(PLANS["whole-prod"][0]).taps["clicks"].read) for name in taps}
    bucket = "b" * 47
    source = mesh(PLANS["whole-prod"][0]).sources["requests"]
    sources = {name: dataclasses.replace(source, name=name, into=taps[0]) for name in ("steward", "r" * 24)}
    return expand(dataclasses.replace(example, name="m" * 15, bucket=bucket, taps=named, sources=sources), Stack("s" * 15))


def test_the_longest_names_fit() -> None:
    plan = _longest(LONGEST + "a")
    (tap,) = plan.taps
    assert len(tap.function.name) == 62
    assert (tap.role.path, len(tap.role.name)) == (f"/tapmesh/{'m' * 15}-{'s' * 15}/", 30)
    assert all(re.fullmatch(r"[a-z][a-z0-9_-]{0,63}", name) for name in _own(plan))
    assert tap.access_point is not None
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{1,48}[a-z0-9]", tap.access_point.name)
    assert re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", plan.lake.bucket)
    assert re.fullmatch(r"[a-z][a-z0-9_]{0,252}", plan.database)


def test_taps_whose_names_begin_alike_share_nothing() -> None:
    plan = _longest(LONGEST + "a", LONGEST + "b", "x_y", "x_y_")
    points = [tap.access_point.name for tap in plan.taps if tap.access_point is not None]
    assert len({*points}) == 4
    assert len({each for tap in plan.taps for each in tap.resources}) == sum(len(tap.resources) for tap in plan.taps)


def test_no_tap_can_take_what_is_the_meshs_own() -> None:
    plan = _longest("steward", "schedule", "lost")
    own = {*_own(plan), *(alarm.name for alarm in plan.alarms)}
    assert {tap.function.name for tap in plan.taps} & own == set()
    assert not any(name.startswith(plan.steward.function.environment["TAPMESH_PREFIX"]) for name in own)


def test_two_stacks_of_one_file_share_nothing() -> None:
    one, other = (expand(mesh(FILE), Stack(name)) for name in ("dev", "prod"))
    assert one.lake.bucket == "acme-lake-dev"
    names = [{plan.lake.bucket, plan.database, plan.log_group, plan.steward.function.name, plan.workgroup} for plan in (one, other)]
    assert names[0] & names[1] == set()
    assert {tap.function.name for tap in one.taps} & {tap.function.name for tap in other.taps} == set()
    assert {tap.settings.issuer for tap in one.taps} == {"acme/dev"}


@pytest.mark.parametrize(
    ("bucket", "adopted", "own", "name"),
    [
        ("acme-lake", False, None, "acme-lake-dev"),
        (None, False, None, "acme-lake-dev"),
        ("acme-lake", True, None, "acme-lake"),
        ("acme-lake", False, "other", "other"),
        ("acme-lake", True, "other", "other"),
    ],
)
def test_where_the_lake_is(bucket: str | None, adopted: bool, own: str | None, name: str) -> None:
    example = dataclasses.replace(mesh(FILE), bucket=bucket, adopt_bucket=adopted)
    assert expand(example, Stack("dev", bucket=own)).lake.bucket == name


@pytest.mark.parametrize("name", ["", "Dev", "1st", "dev_eu", "dev-", "a" * 16, "org/dev"])
def test_a_stack_that_cannot_be_in_a_name(name: str) -> None:
    with pytest.raises(BadStack, match="a stack's name here is a-z, then a-z, 0-9 and -, at most 15 characters"):
        Stack(name)
