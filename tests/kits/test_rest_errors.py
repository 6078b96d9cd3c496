"""What keeps `tapmesh kit rest` from going on: in its file, in the source, in its place; one clear line and a next step each."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mesh.cli.stop import Stop
from mesh.kits.delivery import KitFailed
from mesh.kits.rest.api import Api
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
    (
        {"headers": {"X-Key": "${TWO_LINES}"}},
        [],
        "headers.X-Key holds what no header may",
        "in one line",
    ),
    ({"headers": {"X Key": "k"}}, [], "headers.X Key holds what no header may", "letters, digits and signs"),
    (
        {"query": {"key": "${SECRET_KEY}"}},
        [(301, {"location": "https://new.example/x?key=k%2Fs%26+cret"}, b"")],
        "it is at https://new.example/x?key=${SECRET_KEY}",
        "put that address into url",
    ),
    (
        {"headers": {"X-Key": "${SECRET_KEY}"}},
        [(401, {}, b'{"message": "no such key: k/s& cret"}')],
        'answered 401: {"message": "no such key: ${SECRET_KEY}"}',
        "belongs into headers",
    ),
    ({}, [(200, {}, b"[" * 100_000 + b"]" * 100_000)], "answered JSON that is nested too deep", "ask in query for less"),
    (
        {"paging": {"by": "link"}},
        [(200, {"link": '<http://[>; rel="next"'}, b"[]")],
        "names a next page that is no address",
        "paging.at names the parameter",
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
    mesh: RunningMesh,
    city: City,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    differs: dict[str, Any],
    answers: list[Any],
    says: str,
    advises: str,
) -> None:
    city.answers = list(answers)
    monkeypatch.setenv("TWO_LINES", "one\ntwo")
    monkeypatch.setenv("SECRET_KEY", "k/s& cret\n")
    said = Kit(mesh, city, **differs).run("--state", str(tmp_path), code=1)
    assert "cret" not in said
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
    """One that says to wait no time, or that its limit was free again long ago, is not asked without end either."""
    city.answers = [(502, {}, b"bad gateway")] * 5 + [(429, {"retry-after": "0"}, b""), (503, {"retry-after": "0"}, b"")]
    city.answers += [(502, {}, b"bad gateway")]
    stop = Hurried()
    with pytest.raises(KitFailed, match="answered 502: bad gateway") as failed:
        Api(RestSource(url=city.url("offset")), stop.within, lambda line: None).page({})
    assert "start the kit again later" in failed.value.hint
    assert [0.5 * 2**n <= wait <= 2**n for n, wait in enumerate(stop.waited)] == [True] * 6 + [stop.waited[6] <= 60]
