"""A change of any name, policy, column or setting shows as a change of a whole plan."""

import dataclasses
import json
from pathlib import Path

import pytest

from mesh.plan import MeshPlan, Stack, TapPlan, expand
from tests.plan.golden import PLANS, ROOT, mesh, path, plan


@pytest.mark.parametrize("name", PLANS)
def test_the_plan_is_the_one_committed(name: str) -> None:
    assert json.loads(plan(name).json()) == json.loads(path(name).read_text()), "if you meant that: python -m tests.plan.golden"


def test_a_tap_is_at_most_six_resources_and_an_access_point() -> None:
    kinds = ["role", "policy", "settings", "function", "url", "table"]
    found = {(name, tap.name): [each.kind for each in tap.resources] for name in PLANS for tap in plan(name).taps}
    assert found["whole-prod", "clicks"] == [*(kind for kind in kinds if kind != "url"), "access point"]  # it is closed
    assert [resources for tap, resources in found.items() if tap != ("whole-prod", "clicks")] == [kinds] * 9
    assert plan("whole-prod").notes == (
        "the bucket is adopted as it is: set the expiry of keep, and a policy for readers, on it yourself",
        "clicks: analyst may read, but AWS knows roles and accounts only; grant those too",
        "clicks: closed; once tapmesh status shows nothing open, delete its block: its data stays",
    )


def _changed(before: MeshPlan, after: MeshPlan) -> dict[str, set[str]]:
    """The fields that differ, by tap, and those of the mesh itself."""
    taps = {tap.name: tap for tap in before.taps}
    found = {tap.name: _fields(taps[tap.name], tap) for tap in after.taps}
    return {name: fields for name, fields in {"": _fields(before, after) - {"taps"}, **found}.items() if fields}


def _fields(one: MeshPlan | TapPlan, other: MeshPlan | TapPlan) -> set[str]:
    return {field.name for field in dataclasses.fields(one) if getattr(one, field.name) != getattr(other, field.name)}


@pytest.mark.parametrize(
    ("was", "becomes", "more"),
    [
        ("sql: sql/growth/clicks.sql", "sql: from events", set()),
        ("write: [{to: partner, until: 2027-12-31}]", "write: [analyst]", set()),
        ("thresholds: {age: 10s}", "thresholds: {age: 11s}", set()),
        ('origins: ["https://shop.acme.example"]', 'origins: ["https://www.acme.example"]', {"url"}),
        ("      y: INTEGER\n", "      y: BIGINT\n", {"table"}),
    ],
    ids=["sql", "grant", "threshold", "origin", "column"],
)
def test_an_edit_changes_one_settings_object_and_what_names_it(tmp_path: Path, was: str, becomes: str, more: set[str]) -> None:
    (tmp_path / "sql").symlink_to(ROOT / "sql")
    text = (ROOT / "taps.yaml").read_text()
    assert text.count(was) == 1
    file = tmp_path / "taps.yaml"
    file.write_text(text.replace(was, becomes))
    settings = {"settings", "settings_sha256", "settings_key", "function", "resources"}
    assert _changed(plan("example-dev"), expand(mesh(file), Stack("dev"))) == {"clicks": settings | more}
