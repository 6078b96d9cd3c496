"""What keeps `tapmesh kit rest` from going on: in its file, in the source, in its place; one clear line and a next step each."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mesh.cli.stop import Stop
from mesh.kits.delivery import KitFailed
from mesh.kits.rest.api import Api, wait_s
from mesh.kits.rest.point import point
from mesh.kits.rest.source import RestSource
from tests.kits.city import City, Row, request, serving
from tests.kits.example import running
from tests.kits.test_rest import NEW, OFFSET, SINCE, TAPS, Kit
from tests.local.conftest import RunningMesh

REFUSED = b'{"message": "no such column: nothing"}'
IN_FILE = [
    # what differs in the file, what it says
    ({"pagin": {}}, "source.yaml:1:COLUMN pagin: unknown key; did you mean paging?"),
    (
        {"url": "data.example/x"},
        "url: expected http:// or https://, a host and a path; what follows a ? goes into query, got data.example/x",
    ),
    ({"paging": {"by": "offset"}}, "paging: by: offset needs at: the name of the query's parameter"),
    ({"paging": {"by": "cursor"}}, "paging: by: cursor needs next: where in the body the next page is named, like meta.next"),
    ({"paging": {"by": "link", "at": "page"}}, "paging.at: means nothing with by: link; leave it out"),
    ({"paging": {"by": "ofset"}}, "paging.by: expected offset, page, cursor or link, got ofset; did you mean offset?"),
    ({"paging": {**OFFSET, "size": 1}}, "paging.size: expected a whole number from 2 to 1000000, got 1"),
    ({"since": SINCE}, "since: no value of query has {since} in it, so the source would be read whole each time"),
    ({"query": NEW}, "query.$where: {since} is filled in from since: {field: …, start: …}, which is missing"),
    ({"query": NEW, "since": {**SINCE, "start": "soon"}}, "since.start: neither a time (ISO 8601) nor a number, got soon"),
    ({"query": NEW, "since": {**SINCE, "overlap": "long"}}, "since.overlap: expected a duration above 0 with its unit"),
    ({"query": NEW, "since": {"field": "created_date", "start": 0}}, "since.overlap: required, but missing"),
    ({"per_minute": "many"}, "per_minute: expected a whole number from 1 to 1000000, got many"),
]
IN_SOURCE = [
    # what differs in the declaration, what the source answers first, what it says, what it advises
    ({}, [(400, {}, REFUSED)], 'answered 400: {"message": "no such column: nothing"}', "query asks for what it does not know"),
    ({}, [(401, {}, b"{}")], "answered 401: {}", "headers, like Authorization: Bearer"),
    ({}, [(403, {}, b"{}")], "answered 403: {}", "headers, like Authorization: Bearer"),
    ({}, [(404, {"content-type": "text/html"}, b"<p>")], "answered 404", "is that the right url?"),
    ({}, [(301, {"location": "https://new.example/"}, b"")], "answered 301: it is at https://new.example/", "put that address into url"),
    ({}, [(200, {"content-type": "text/html"}, b"<!doctype html>")], "answered text/html, which is not JSON", ".json in its url"),
    (
        {},
        [(200, {}, b'{"items": [], "total": 0}')],
        "has no list of records as its body",
        "records says where it is, by dots; the body has: items, total",
    ),
    ({"records": "data"}, [], "has no list of records at data", "leave records out where the body is the list"),
    ({"records": "items.x"}, [(200, {}, b'{"items": []}')], "has no list of records at items.x", "the body has: items"),
    ({}, [(200, {}, b"[1, 2]")], "has records that are no JSON objects", "records says where in the body the objects are"),
    (
        {"paging": {**OFFSET, "at": "$skip"}},
        [],
        "paging does not advance: $skip=39 has the records of the page before",
        "paging.at names another",
    ),
    (
        {"paging": {"by": "page", "at": "p", "limit": "$limit", "size": 40}},
        [],
        "paging does not advance: p=2 has the records of the page before",
        "paging.at names another",
    ),
    (
        {"paging": {"by": "link"}},
        [(200, {"link": f"</elsewhere/{number}>; rel=next"}, b'[{"n": 1}]') for number in (1, 2, 1)],
        "paging does not advance: the next page it names",
        "a page that was read already",
    ),
    (
        {"paging": {"by": "link"}},
        [(200, {"link": '<http://other.example/x>; rel="next"'}, b"[]")],
        "names a next page at http://other.example",
        "put that one into url",
    ),
    ({"query": NEW, "since": {**SINCE, "field": "made"}}, [], "no record has the field made", "unique_key, updated_at, created_date"),
    (
        {"query": NEW, "since": {**SINCE, "field": "agency"}},
        [],
        "since.field agency is neither a time",
        "when a record was made or changed",
    ),
    (
        {"query": NEW, "since": {"field": "n", "start": 0, "overlap": 0, "ordered": True}},
        [(200, {}, b'[{"n": 2}, {"n": 1}]')],
        "the records do not come by n, ascending",
        "ask for that order in query",
    ),
    (
        {"headers": {"X-Key": "${NOT_SET_ANYWHERE}"}},
        [],
        "headers.X-Key names ${NOT_SET_ANYWHERE}, which is not set",
        "export NOT_SET_ANYWHERE=…",
    ),
    ({"url": "http://127.0.0.1:9/x"}, [], "http://127.0.0.1:9/x cannot be reached: Connection refused", "is that the right url"),
    ({"url": "http://nowhere.invalid/x"}, [], "cannot be reached: its host's name is not known", "is that the right url"),
]


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    with running(tmp_path_factory.mktemp("mesh"), TAPS) as started:
        yield started


@pytest.fixture
def city() -> Iterator[City]:
    with serving([request(number) for number in range(100)]) as started:
        yield started


@pytest.mark.parametrize(("differs", "says"), IN_FILE, ids=[says for _, says in IN_FILE])
def test_what_is_wrong_in_the_file_is_a_line_with_its_place(mesh: RunningMesh, city: City, differs: dict[str, Any], says: str) -> None:
    kit = Kit(mesh, city, **differs)
    done = subprocess.run(kit.command(), capture_output=True, text=True, timeout=60, cwd=mesh.folder)
    column = kit.file.read_text().find('"pagin"') + 1
    assert (done.returncode, says.replace("COLUMN", str(column)) in done.stdout) == (2, True), done.stdout
    assert done.stderr.splitlines()[0] == f"error: {kit.file} cannot be used as it is"
    assert city.asked == []


@pytest.mark.parametrize(("differs", "answers", "says", "advises"), IN_SOURCE, ids=[says for _, _, says, _ in IN_SOURCE])
def test_what_is_wrong_in_the_source_is_a_line_and_a_next_step(
    mesh: RunningMesh, city: City, tmp_path: Path, differs: dict[str, Any], answers: list[Any], says: str, advises: str
) -> None:
    city.answers = list(answers)
    said = Kit(mesh, city, **differs).run("--state", str(tmp_path), code=1)
    errors = [line for line in said.splitlines() if "delivered" not in line]
    assert len(errors) == 2, said
    assert (errors[0].startswith("error: "), says in errors[0]) == (True, True), said
    assert (errors[1].startswith("hint: "), advises in errors[1]) == (True, True), said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--every", "often"), "--every often: expected a duration above 0 with its unit"),
        (("--from", "no.yaml"), "no.yaml: no such file\nhint: docs/kits/rest.md"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_a_line_too(mesh: RunningMesh, city: City, words: tuple[str, str], says: str) -> None:
    assert f"error: {says}" in Kit(mesh, city).run(*words, code=2)


def test_pages_that_never_go_on_where_the_one_before_ended_are_told(mesh: RunningMesh, city: City, tmp_path: Path) -> None:
    def turn(rows: list[Row]) -> None:
        moved = [row["created_date"] for row in rows[30:] + rows[:30]]
        for row, created in zip(rows, moved, strict=True):
            row["created_date"] = created

    city.changes = dict.fromkeys(range(1, 1000), turn)
    said = Kit(mesh, city, paging={**OFFSET, "size": 4}).run("--state", str(tmp_path), code=1)
    assert "error: its pages by $offset do not go on where the one before ended\nhint: ask for an order that no two records share" in said


def test_a_place_is_one_sources_and_one_kits(mesh: RunningMesh, city: City, tmp_path: Path) -> None:
    kit, state = Kit(mesh, city), ("--state", str(tmp_path))
    kit.run(*state)
    other = Kit(mesh, city, "page")
    assert f"is the place of another source, {city.url('offset')}" in other.run(*state, code=1)
    assert "100 new records" in other.run(*state, "--anew")
    city.answers = [(429, {"retry-after": "60"}, b"")]
    seen = len(city.asked)
    first = subprocess.Popen(other.command(*state), stderr=subprocess.DEVNULL)
    try:
        mesh.wait_for(lambda: len(city.asked) > seen, "the first kit to read")
        assert "is in use\nhint: another kit reads the same source" in other.run(*state, code=1)
    finally:
        first.kill()
        first.wait()
    (tmp_path / "rest-source-requests.db").write_bytes(b"no database at all" * 100)
    assert "is no place of a kit: file is not a database\nhint: delete it to begin again" in other.run(*state, code=1)


class Hurried(Stop):
    """Does not wait, and notes how long it would have."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    def within(self, seconds: float) -> bool:
        self.waited.append(seconds)
        return False


def test_a_source_that_keeps_failing_is_given_up_after_growing_waits(city: City) -> None:
    city.answers = [(502, {}, b"bad gateway")] * 8
    stop = Hurried()
    with pytest.raises(KitFailed, match="answered 502: bad gateway") as failed:
        Api(RestSource(url=city.url("offset")), stop.within, lambda line: None).page({})
    assert "start the kit again later" in failed.value.hint
    assert [0.5 * 2**n <= wait <= 2**n for n, wait in enumerate(stop.waited)] == [True] * 6 + [stop.waited[6] <= 60]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "Wed, 25 Nov 2026 10:00:30 GMT"}, 30),
        ({"retry-after": "Wed, 25 Nov 2026 09:00:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795600805"}, 5),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "12"}, 12),
        ({"x-ratelimit-remaining": "3", "x-ratelimit-reset": "12"}, None),
    ],
)
def test_how_long_a_source_says_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert wait_s(headers, 1795600800) == seconds  # 2026-11-25 10:00:00 UTC


@pytest.mark.parametrize(
    ("value", "overlap", "asked_from"),
    [
        ("2026-11-25T10:00:00.000", 3600, "2026-11-25T09:00:00.000"),
        ("2026-11-25T10:00:00.123456Z", 0.5, "2026-11-25T09:59:59.623456Z"),
        ("2026-11-25T10:00:00+02:00", 60, "2026-11-25T09:59:00+02:00"),
        ("2026-11-25 10:00:00", 60, "2026-11-25 09:59:00"),
        ("2026-11-25", 86400, "2026-11-24"),
        ("2026-11-25", 3600, "2026-11-24"),
        (1764064800, 3600, "1764061200"),
        ("59001", 1, "59000"),
        (1.5, 0.25, "1.25"),
        (1234567890123456700, 0, "1234567890123456700"),
        ("1234567890123456701", 1, "1234567890123456700"),
        (12345678901234567890123, 0, "12345678901234567890123"),
        ("0001-01-01T00:00:00Z", 3600, "0001-01-01T00:00:00Z"),
        ("0001-01-01T00:30:00+02:00", 3600, "0001-01-01T00:00:00+02:00"),
    ],
)
def test_the_overlap_before_a_point_is_written_as_the_source_writes(value: Any, overlap: float, asked_from: str) -> None:
    assert point(value).back(overlap).text == asked_from
    assert point(value).back(overlap).number <= point(value).number - overlap or asked_from.startswith("0001")


@pytest.mark.parametrize("value", ["20261125T101010Z", "2026-W48-3", "2026-11-25T10", "9" * 5000, True, None, [1]])
def test_what_could_not_be_asked_for_as_the_source_writes_it_is_no_point(value: Any) -> None:
    """Another reading of it, like 2026-11-25010:09:10Z, might skip records."""
    with pytest.raises(ValueError, match="neither a time"):
        point(value)


def test_a_bookmark_is_never_in_the_future() -> None:
    now = point("2026-11-25T10:00:00+00:00").time
    assert now is not None
    for text, at_most in (("2099-01-01T00:00:00.000", "2026-11-25T10:00:00.000"), ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z")):
        assert point(text).at_most(now).text == at_most
    assert point("2099-01-01T00:00:00+02:00").at_most(now).number == now.timestamp()
