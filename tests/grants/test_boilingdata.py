"""Whose BoilingData tokens a tap takes: people with a user name there and a grant here, once the mesh names an owner."""

import dataclasses

import pytest

from mesh.grants.writers import boilingdata
from mesh.spec.mesh import Mesh
from tap_runtime.settings import Boilingdata
from tests.plan.golden import ROOT, mesh


@pytest.fixture(scope="module")
def example() -> Mesh:
    return mesh(ROOT / "taps.yaml")


def test_only_taps_with_such_a_grant_take_them(example: Mesh) -> None:
    found = {tap.name: boilingdata(example, tap) for tap in example.taps.values()}
    clicks = found.pop("clicks")
    assert clicks == Boilingdata(owners=("lead@acme.example",), users={"partner": "partner"}, emails={"partner@example.org": "partner"})
    assert set(found.values()) == {None}


def test_nobody_takes_them_without_an_owner(example: Mesh) -> None:
    without = dataclasses.replace(example, boilingdata_owner=None)
    assert [boilingdata(without, tap) for tap in without.taps.values()] == [None] * len(example.taps)


def test_the_owner_is_named_by_address_or_user_name_in_any_case(example: Mesh) -> None:
    lead = dataclasses.replace(example.people["lead"], email="Lead@Acme.example", boilingdata="TheLead")
    other = dataclasses.replace(example, people={**example.people, "lead": lead}, boilingdata_owner="LEAD@acme.example")
    found = boilingdata(other, other.taps["clicks"])
    assert found is not None
    assert found.owners == ("lead@acme.example", "thelead")
    assert found.users == {"TheLead": "lead", "partner": "partner"}
    assert found.emails == {"lead@acme.example": "lead", "partner@example.org": "partner"}
