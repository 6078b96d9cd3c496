"""`tapmesh who-can` and `what-can`, and queries that see no further than their reader."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Ask
from tests.local.conftest import RunningMesh

TAPS = """\
version: 1
mesh: test
people: {lead: {email: lead@acme.example}, analyst: {email: analyst@acme.example}, partner: {email: partner@example.org}}
teams: {growth: [lead], data: [analyst]}
defaults: {thresholds: {age: 1s}, ack: stored, schema: {id: VARCHAR NOT NULL}}
taps:
  clicks:
    team: growth
    grants: {write: [{to: partner, until: 2027-03-31}], read: [data, {account: "222222222222"}]}
  orders: {team: data, grants: {write: [lead]}}
  gone: {team: data, closed: true}
"""


@pytest.fixture
def file(here: Path) -> Path:
    (here / "taps.yaml").write_text(TAPS)
    return here / "taps.yaml"


def test_who_can_names_people_and_lines(file: Path, ask: Ask) -> None:
    said = ask("who-can", "write", "clicks", "--on", "2027-03-31")
    assert [line.split() for line in said.out.splitlines()[1:]] == [
        ["lead", "team", "growth", "taps.yaml:8,", "taps.yaml:4"],
        ["partner", "person", "2027-03-31", "taps.yaml:9"],
    ]
    assert "partner" not in ask("who-can", "write", "clicks", "--on", "2027-04-01").out


def test_what_can_as_json(file: Path, ask: Ask) -> None:
    (write,) = json.loads(ask("what-can", "partner", "--json", "--on", "2027-01-01").out)
    right = {"action": "write", "tap": "clicks", "who": "partner", "kind": "person", "team": None, "until": "2027-03-31"}
    assert write == {**right, "lines": ["taps.yaml:9"]}
    assert [(found["action"], found["tap"]) for found in json.loads(ask("what-can", "222222222222", "--json").out)] == [("read", "clicks")]


def test_nobody_is_said_too(file: Path, ask: Ask) -> None:
    assert "nobody may write gone on 2027-01-01; gone is closed" in ask("who-can", "write", "gone", "--on", "2027-01-01").err
    assert "partner may do nothing in test on 2028-01-01" in ask("what-can", "partner", "--on", "2028-01-01").err


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    """A lake with a row of clicks and one of orders, and a bad line each."""
    mesh = RunningMesh(tmp_path_factory.mktemp("mesh"), TAPS)
    mesh.start()
    token = mesh.run("token", "--as", "lead", "--tap", "clicks", "--tap", "orders").stdout.strip()
    for tap in ("clicks", "orders"):
        assert mesh.post(tap, b'{"id":"a"}\nbad\n', x_bd_authorization=token)[0] == 200
    mesh.wait_for(lambda: len(mesh.query("from _manifests")) == 2, "both batches to land")
    yield mesh
    mesh.stop()


@pytest.mark.parametrize(
    ("who", "reads"),
    [("lead", "clicks"), ("growth", "clicks"), ("analyst", "clicks orders"), ("data", "clicks orders"), ("partner", "")]
    + [("222222222222", "clicks"), ("arn:aws:iam::222222222222:role/any", "clicks"), ("arn:aws:iam::333333333333:role/any", "")],
)
def test_a_query_reads_where_its_reader_may(landed: RunningMesh, who: str, reads: str) -> None:
    for tap in ("clicks", "orders"):
        done = landed.run("query", f"select id from {tap}", "--as", who, "--format", "csv")
        if tap in reads.split():
            assert (done.returncode, done.stdout) == (0, "id\na\n"), done.stderr
        else:
            assert (done.returncode, done.stdout) == (2, "")
            assert f"error: {who} may not read {tap}\nhint: ask the owners (team {'growth' if tap == 'clicks' else 'data'})" in done.stderr


def test_quarantine_and_manifests_are_the_owning_teams(landed: RunningMesh) -> None:
    for view in ("_quarantine", "_manifests", "_senders"):
        seen = {who: landed.run("query", f"select tap from {view}", "--as", who, "--format", "csv").stdout for who in ("lead", "analyst")}
        assert seen == {"lead": "tap\nclicks\n", "analyst": "tap\norders\n"}, view


def test_no_file_is_a_way_around(landed: RunningMesh) -> None:
    files = f"{landed.folder}/.mesh/lake/orders/data/*/*/*/*/*.parquet"
    assert landed.run("query", f"from read_parquet('{files}')").returncode == 0
    done = landed.run("query", f"from read_parquet('{files}')", "--as", "lead")
    assert (done.returncode, done.stdout, "Permission Error" in done.stderr) == (2, "", True)


def test_who_wrote_what_is_in_senders(landed: RunningMesh) -> None:
    rows = landed.query("select tap, sender, requests, accepted, refused from _senders order by tap")
    assert rows == [{"tap": tap, "sender": "lead", "requests": 1, "accepted": 1, "refused": 1} for tap in ("clicks", "orders")]
