"""Every fault in tests/specs/bad gives exactly the text beside it; everything in tests/specs/good loads."""

import datetime as dt
from pathlib import Path

import pytest

from mesh.cli.check import run
from mesh.kits.rest.source import Paging, RestSource, Since
from mesh.spec import load
from mesh.spec.mesh import Mesh

SPECS = Path(__file__).parent.parent / "specs"
BAD = sorted((SPECS / "bad").glob("*.yaml"))
GOOD = sorted((SPECS / "good").glob("*.yaml"))


def _good(name: str) -> Mesh:
    checked = load(SPECS / "good" / name)
    assert checked.mesh is not None, checked.problems
    return checked.mesh


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_bad_file_says_what_is_wrong(file: Path) -> None:
    checked = load(file)
    assert checked.mesh is None
    assert "".join(f"{problem.line(file.parent)}\n" for problem in checked.problems) == file.with_suffix(".txt").read_text()


def test_catalogue_is_whole() -> None:
    assert len(BAD) >= 40
    assert {file.stem for file in BAD} == {file.stem for file in (SPECS / "bad").glob("*.txt")}


def test_check_prints_the_catalogues_text(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SPECS / "bad")
    with pytest.raises(SystemExit, match="2"):
        run(Path("several.yaml"))
    assert capsys.readouterr().out == (SPECS / "bad" / "several.txt").read_text()


@pytest.mark.parametrize("file", GOOD, ids=lambda file: file.stem)
def test_good_file_loads(file: Path) -> None:
    checked = load(file)
    assert checked.problems == ()
    assert checked.mesh is not None


def test_whole_mesh() -> None:
    mesh = _good("whole.yaml")
    assert (mesh.name, mesh.bucket, mesh.adopt_bucket) == ("acme", "acme-lake", True)
    assert {team: [*members] for team, members in mesh.teams.items()} == {"growth": ["lead"], "data": ["analyst", "lead"]}
    assert (mesh.people["lead"].email, mesh.people["partner"].boilingdata) == ("lead@acme.example", "partner")
    assert [file.relative_to(SPECS / "good").as_posix() for file in mesh.files] == [
        "whole.yaml",
        "teams/data/taps.yaml",
        "sql/clicks.sql",
        "teams/data/orders.sql",
    ]


def test_tap_with_every_key() -> None:
    tap = _good("whole.yaml").taps["clicks"]
    assert (tap.team, tap.about, tap.extra, tap.ack, tap.retries) == ("growth", "Clicks", "quarantine", "stored", "body")
    assert (tap.threshold_bytes, tap.age_s, tap.freshness_s) == (5 * 2**20, 60, 600)
    assert (tap.public, tap.closed, tap.origins) == (True, True, ("https://shop.acme.example", "*"))
    assert (tap.memory_mb, tap.concurrency, tap.keep_days) == (512, 10, 400)
    assert [(grant.to, grant.until) for grant in tap.write] == [("data", None), ("partner", dt.date(2027, 12, 31))]
    assert [(grant.kind, grant.to) for grant in tap.read] == [
        ("to", "analyst"),
        ("role", "arn:aws:iam::222222222222:role/analyst"),
        ("account", "012345678901"),
    ]
    assert [(column.name, column.type.sql, column.required, column.type.epoch) for column in tap.columns] == [
        ("id", "VARCHAR", True, None),
        ("ts", "TIMESTAMP", False, "ms"),
    ]
    assert [(column.name, column.type, column.cast) for column in tap.output] == [("id", "VARCHAR", False), ("n", "DECIMAL(38,0)", True)]
    assert (tap.mark.file.name, tap.mark.line) == ("whole.yaml", 17)


def test_source_with_every_key() -> None:
    (source,) = _good("whole.yaml").sources.values()
    assert (source.name, source.into, source.every_s) == ("requests", "requests", 3600)
    assert source.rest == RestSource(
        url="https://data.acme.example/requests.json",
        query={"$where": "updated_at >= '{since}'", "$order": "updated_at, unique_key"},
        headers={"X-App-Token": "${CITY_TOKEN}"},
        records="data.items",
        paging=Paging(by="offset", at="$offset", limit="$limit", size=500),
        since=Since(field="updated_at", start="2026-11-01T00:00:00Z", overlap=3600, ordered=True),
        per_minute=60,
    )
    assert source.rest.variables() == ("CITY_TOKEN",)


def test_defaults_merge_one_level() -> None:
    taps = _good("whole.yaml").taps
    orders = taps["orders"]
    assert (orders.threshold_bytes, orders.age_s, orders.freshness_s) == (5 * 2**20, 600, 660)
    assert (orders.memory_mb, orders.extra, orders.ack, orders.keep_days) == (512, "keep", "buffered", None)
    assert orders.sql == "select * from events"
    assert [column.name for column in orders.output] == ["record", "_received_at", "_sender", "_batch", "_request"]


def test_a_team_for_all_taps() -> None:
    taps = _good("default_team.yaml").taps
    assert {name: tap.team for name, tap in taps.items()} == {"clicks": "growth", "orders": "data", "included": "growth"}
    assert taps["clicks"].origins == ("*",)


def test_the_smallest_file() -> None:
    mesh = _good("smallest.yaml")
    assert (mesh.name, mesh.bucket, dict(mesh.taps)) == ("acme", None, {})


def test_clock_is_a_warning() -> None:
    checked = load(SPECS / "good" / "clock.yaml")
    assert [problem.line(SPECS / "good") for problem in checked.warnings] == [
        f"clock.yaml:{line}:5 taps.{tap}.sql: asks for the time of landing, which differs from try to try; "
        "_received_at is when the record came"
        for line, tap in ((9, "clicks"), (17, "bare_word"))
    ]


def test_what_files_cannot_keep_is_cast() -> None:
    tap = _good("statements.yaml").taps["every_kept_type"]
    assert {column.name: column.type for column in tap.output if column.cast} == {
        "h": "DECIMAL(38,0)",
        "hs": "DECIMAL(38,0)[]",
        "s": 'STRUCT("JSON" VARCHAR, "n" INTEGER)',
        "m": "MAP(VARCHAR, VARCHAR)",
        "fixed": "INTEGER[]",
        "e": "VARCHAR",
        "n": "VARCHAR",
        "ns": "VARCHAR[]",
        "ts": "TIMESTAMP",
        "u": "VARCHAR",
        "t": "VARCHAR",
        "wide": "BIGINT",
        "widest": "MAP(VARCHAR, DECIMAL(20,0))",
    }
    assert {column.name: column.type for column in tap.output if not column.cast} == {
        "bit": 'STRUCT("BIT" INTEGER)',
        "d": "DECIMAL(9,2)",
        "b": "BLOB",
        "z": "TIMESTAMP WITH TIME ZONE",
        "narrow": "USMALLINT",
    }


def test_a_statement_loses_its_end_only() -> None:
    taps = _good("statements.yaml").taps
    assert taps["ended_and_said_so"].sql == "select id, ';' as semicolon -- one; two\nfrom events"
    assert taps["ended_twice"].sql == "select id from events"
    assert taps["set_operation"].sql.startswith("select id from events -- a comment; with a semicolon")


def test_a_boilingdata_name_without_an_owner_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "taps.yaml").write_text("version: 1\nmesh: acme\npeople: {partner: {email: partner@example.org, boilingdata: partner}}\n")
    (warning,) = load(tmp_path / "taps.yaml").warnings
    said = (
        "taps.yaml:3:10 people.partner.boilingdata: no boilingdata.owner says whose tap tokens this mesh takes, so this name does nothing"
    )
    assert warning.line(tmp_path) == said


def test_write_grants_of_a_public_tap_are_a_warning() -> None:
    warnings = load(SPECS / "good" / "whole.yaml").warnings
    assert [problem.line(SPECS / "good") for problem in warnings] == [
        "whole.yaml:30:5 taps.clicks.public: no token is asked, so grants.write changes nothing"
    ]
