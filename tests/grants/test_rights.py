"""What taps.yaml says of who may do what, read with the lines that say so."""

import datetime as dt
from pathlib import Path

import pytest

from mesh.grants.rights import held, rights
from mesh.grants.writers import writers
from mesh.spec import load
from mesh.spec.mesh import Mesh
from tap_runtime.settings import Writer

TAPS = """\
version: 1
mesh: acme
people:
  lead: {email: lead@acme.example}
  analyst: {email: analyst@acme.example}
  partner: {email: partner@example.org}
teams:
  growth: [lead]
  data: [analyst, lead]
  nobody: []
taps:
  clicks:
    team: growth
    grants:
      write: [data, {to: partner, until: 2027-03-31}, nobody]
      read: [analyst, {role: "arn:aws:iam::222222222222:role/analyst"}]
  orders:
    team: data
    grants:
      write: [{to: lead, until: 2026-01-31}]
      read: [growth, {account: "333333333333"}]
  open: {team: data, public: true}
  gone: {team: data, closed: true}
"""
DAY = dt.date(2027, 3, 31)
ROLE = "arn:aws:iam::222222222222:role/analyst"


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Mesh:
    file = tmp_path_factory.mktemp("mesh") / "taps.yaml"
    file.write_text(TAPS)
    checked = load(file)
    assert checked.mesh is not None, checked.problems
    return checked.mesh


def said(mesh: Mesh, tap: str, action: str, day: dt.date = DAY) -> list[tuple[str, str | None, list[int]]]:
    """Who, by which team, and the lines."""
    found = [right for right in rights(mesh, mesh.taps[tap], action) if right.holds(day)]  # type: ignore[arg-type]
    return [(right.who, right.team, [mark.line for mark in right.marks]) for right in found]


def test_a_tap_is_written_by_its_team_and_whom_a_grant_names(mesh: Mesh) -> None:
    assert said(mesh, "clicks", "write") == [
        ("analyst", "data", [15, 9]),
        ("lead", "growth", [13, 8]),
        ("lead", "data", [15, 9]),
        ("partner", None, [15]),
    ]


def test_a_declared_source_writes_to_its_tap_and_is_no_person(tmp_path: Path) -> None:
    rest = "rest: {url: https://data.acme.example/requests.json}"
    taps = TAPS.replace("  orders:\n", "  orders:\n    ack: stored\n") + f"sources:\n  city: {{into: orders, every: 15m, {rest}}}\n"
    (tmp_path / "taps.yaml").write_text(taps)
    mesh = load(tmp_path / "taps.yaml").mesh
    assert mesh is not None
    (right,) = [right for right in rights(mesh, mesh.taps["orders"], "write") if right.kind == "source"]
    assert (right.who, right.marks[0].line) == ("source:city", len(taps.splitlines()))
    assert [writer.person for writer in writers(mesh, mesh.taps["orders"])] == ["analyst", "lead"]


def test_a_grant_ends_with_its_last_day(mesh: Mesh) -> None:
    assert ("partner", None, [15]) not in said(mesh, "clicks", "write", DAY + dt.timedelta(days=1))


def test_a_tap_is_read_by_its_team_and_whom_a_grant_names(mesh: Mesh) -> None:
    assert said(mesh, "clicks", "read") == [("analyst", None, [16]), (ROLE, None, [16]), ("lead", "growth", [13, 8])]
    assert said(mesh, "orders", "read")[:2] == [("333333333333", None, [21]), ("analyst", "data", [18, 9])]


def test_anyone_writes_to_a_public_tap_and_nobody_to_a_closed_one(mesh: Mesh) -> None:
    assert said(mesh, "open", "write") == [("anyone", None, [22])]
    assert said(mesh, "gone", "write") == []
    assert ("lead", "data", [23, 9]) in said(mesh, "gone", "read")


@pytest.mark.parametrize(
    ("who", "reads"),
    [
        ("partner", []),
        ("analyst", ["clicks", "orders", "open", "gone"]),
        ("growth", ["clicks", "orders"]),
        (ROLE, ["clicks"]),
        ("arn:aws:iam::222222222222:role/other", []),
        ("333333333333", ["orders"]),
        ("arn:aws:iam::333333333333:role/any", ["orders"]),
        ("222222222222", []),
    ],
)
def test_somebody_reads_what_a_grant_gives_them(mesh: Mesh, who: str, reads: list[str]) -> None:
    assert list(dict.fromkeys(right.tap for right in held(mesh, "read", who, DAY))) == reads


def test_a_person_stands_once_among_writers_with_the_longest_grant(mesh: Mesh) -> None:
    assert writers(mesh, mesh.taps["orders"]) == (Writer("analyst"), Writer("lead"))
    assert writers(mesh, mesh.taps["clicks"]) == (Writer("analyst"), Writer("lead"), Writer("partner", "2027-03-31"))
