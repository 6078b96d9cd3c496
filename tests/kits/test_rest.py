"""`tapmesh kit rest` against a real API: every way of paging, what is new only, throttled, failing, changed while it is read, killed."""

import json
import os
import re
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kits.city import City, Row, request, serving
from tests.kits.example import HEAD, running
from tests.kits.sources import TAPMESH
from tests.local.conftest import RunningMesh

TAPS = (
    HEAD
    + """\
  requests:
    ack: stored
    schema: {unique_key: VARCHAR NOT NULL, created_date: TIMESTAMP, borough: VARCHAR}
"""
)
DECLARED = """
sources:
  requests: {{into: requests, every: 15m, rest: {{url: {url}, paging: {{by: page, at: page, limit: $limit, size: 40}}}}}}
"""
ROWS = 250
SINCE = {"field": "created_date", "start": "2026-11-01T00:00:00.000", "overlap": "1h"}
NEW = {"$where": "created_date >= '{since}'", "$order": "created_date, unique_key"}
OFFSET = {"by": "offset", "at": "$offset", "limit": "$limit", "size": 40}
WAYS: dict[str, dict[str, Any]] = {
    "offset": {"paging": OFFSET},
    "page": {"paging": {"by": "page", "at": "page", "limit": "$limit", "size": 40}},
    "cursor": {"paging": {"by": "cursor", "at": "after", "next": "meta.next", "limit": "$limit", "size": 40}, "records": "data.requests"},
    "next": {"paging": {"by": "cursor", "next": "meta.next", "limit": "$limit", "size": 40}, "records": "data.requests"},
    "link": {"paging": {"by": "link", "limit": "$limit", "size": 40}},
}


class Kit:
    """`tapmesh kit rest` with one source's declaration."""

    def __init__(self, mesh: RunningMesh, city: City, way: str = "offset", **declared: Any) -> None:
        self._mesh, self.file = mesh, mesh.folder / "source.yaml"
        self.file.write_text(json.dumps({"url": city.url(way), **WAYS[way], **declared}))

    def command(self, *words: str) -> list[str]:
        url = f"http://127.0.0.1:{self._mesh.port}/taps/requests"
        given = ("--from", str(self.file), "--to", "requests", "--url", url, "--file", str(self._mesh.file))
        return self._mesh.command("kit", "rest", *given, *words)

    def run(self, *words: str, code: int = 0) -> str:
        """What it said."""
        done = subprocess.run(self.command(*words), capture_output=True, text=True, timeout=120)
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def mesh(tmp_path: Path) -> Iterator[RunningMesh]:
    with running(tmp_path, TAPS) as started:
        yield started


@pytest.fixture
def city() -> Iterator[City]:
    with serving([request(number) for number in range(ROWS)]) as started:
        yield started


def landed(mesh: RunningMesh) -> Counter[int]:
    """How often each request is in the lake, once all batches are."""
    mesh.wait_for(lambda: mesh.leftovers() == [], "everything to land", within_s=60)
    return Counter(int(row["unique_key"]) for row in mesh.query("select unique_key from requests"))


def once(numbers: range) -> Counter[int]:
    return Counter(numbers)


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_paging_brings_each_record_once_and_then_only_what_is_new(mesh: RunningMesh, city: City, way: str) -> None:
    kit = Kit(mesh, city, way)
    assert f"{ROWS} new records" in kit.run()
    city.rows += [request(ROWS), request(ROWS + 1)]
    assert "\n2 new records" in f"\n{kit.run()}"
    assert landed(mesh) == once(range(ROWS + 2))


def test_a_declared_source_is_read_from_here_into_its_tap(tmp_path: Path, city: City) -> None:
    with running(tmp_path, TAPS + DECLARED.format(url=city.url("page"))) as mesh:
        url = f"http://127.0.0.1:{mesh.port}/taps/requests"
        words = mesh.command("kit", "rest", "--source", "requests", "--url", url, "--file", str(mesh.file))
        for new in (ROWS, 0):
            done = subprocess.run(words, capture_output=True, text=True, timeout=120)
            assert f"\n{new} new records" in f"\n{done.stderr}", done.stderr
        assert landed(mesh) == once(range(ROWS))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--from", "x.yaml"), "missing option '--to'\nhint: --from and --to go together"),
        ((), "missing option '--from'"),
        (("--source", "requsts"), "--source requsts: not in sources of taps.yaml\nhint: did you mean requests?"),
        (("--source", "requests", "--to", "requests"), "--source says what is read and where it goes\nhint: leave --from and --to out"),
    ],
)
def test_a_source_is_in_a_file_or_declared(tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    (tmp_path / "taps.yaml").write_text(TAPS + DECLARED.format(url="https://data.acme.example/x"))
    done = subprocess.run([TAPMESH, "kit", "rest", *words], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert (done.returncode, f"error: {says}" in done.stderr) == (2, True), done.stderr


def test_from_the_bookmark_on_it_reads_the_overlap_again_and_sends_new_versions_alone(mesh: RunningMesh, city: City) -> None:
    kit = Kit(mesh, city, query=NEW, since=SINCE)
    assert f"{ROWS} new records, {ROWS + 7} read" in kit.run()  # each page begins with the last record of the one before
    last = len(city.asked)
    city.rows[ROWS - 5]["borough"] = "Queens West"  # within the overlap: a version of its own
    city.rows[0]["borough"] = "Queens West"  # long before it: never asked for again
    city.rows.append(request(1000, minute=ROWS - 30))  # late, within the overlap
    assert "\n2 new records" in f"\n{kit.run()}"
    assert city.asked[last]["$where"] == "created_date >= '2026-11-01T03:09:00.000'"
    assert landed(mesh) == once(range(ROWS)) + Counter([ROWS - 5, 1000])
    newest = mesh.query(f"select borough from requests where unique_key = '{ROWS - 5}' order by _received_at")
    assert [row["borough"] for row in newest] == ["Bronx", "Queens West"]


def _gone(first: int, count: int) -> Any:
    def change(rows: list[Row]) -> None:
        del rows[first : first + count]

    return change


@pytest.mark.parametrize("ordered", [False, True])
def test_records_that_go_and_move_while_it_reads_make_it_skip_none(mesh: RunningMesh, city: City, ordered: bool) -> None:
    """With offsets alone the pages behind those that are gone would begin too late."""
    city.changes = {3: _gone(0, 10), 5: _gone(20, 59)}  # all of them read by then
    kit = Kit(mesh, city, query=NEW, since={**SINCE, "ordered": ordered})
    kit.run()
    assert landed(mesh) == once(range(ROWS))
    assert len(city.rows) == ROWS - 69


def test_pages_that_are_read_again_after_the_bookmark_moved_double_nothing(mesh: RunningMesh, city: City) -> None:
    """12,000 records are more than a batch; those that go make it read a thousand again that lie long before the overlap."""
    city.rows = [request(number) for number in range(12_000)]
    city.changes = {13: _gone(0, 3000)}
    Kit(mesh, city, query=NEW, since={**SINCE, "ordered": True}, paging={**OFFSET, "size": 1000}).run()
    assert landed(mesh) == once(range(12_000))


def test_a_source_that_throttles_and_fails_is_waited_for(mesh: RunningMesh, city: City) -> None:
    city.answers = [(429, {"retry-after": "2"}, b"{}"), (503, {}, b"down"), None, (500, {"retry-after": "1"}, b"")]
    said = Kit(mesh, city).run()
    assert "answered 429: {}; asking again in 2.0 s" in said
    assert said.count("asking again in") == 4
    assert landed(mesh) == once(range(ROWS))


def test_killed_at_any_moment_it_sends_each_record_once_and_goes_on(mesh: RunningMesh, city: City) -> None:
    """-9 while a slow source is read: a batch goes out each second, of about a dozen pages."""
    city.rows, city.pause_s = [request(number) for number in range(2000)], 0.08
    kit = Kit(mesh, city, query=NEW, since={**SINCE, "ordered": True})
    for pages in (14, 17, 20, 5):
        process = subprocess.Popen(kit.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        seen = len(city.asked)
        mesh.wait_for(lambda seen=seen, pages=pages: len(city.asked) >= seen + pages, "pages to be read")
        process.kill()
        process.wait()
    found = re.search(r"^([\d,]+) new records, ([\d,]+) read", kit.run(), re.MULTILINE)
    assert found is not None
    assert max(int(number.replace(",", "")) for number in found.groups()) < 2000
    assert landed(mesh) == once(range(2000))


def test_asked_to_end_it_ends_whatever_it_waits_for_and_reads_again_every_so_often(mesh: RunningMesh, city: City) -> None:
    kit = Kit(mesh, city, query=NEW, since=SINCE)
    process = subprocess.Popen(kit.command("--every", "1s"), stderr=subprocess.PIPE, text=True)
    mesh.wait_for(lambda: landed(mesh) == once(range(ROWS)), "the first reading", within_s=60)
    city.rows.append(request(ROWS))
    mesh.wait_for(lambda: landed(mesh) == once(range(ROWS + 1)), "the second reading", within_s=60)
    seen, city.answers = len(city.asked), [(429, {"retry-after": "3600"}, b"{}")]
    mesh.wait_for(lambda: len(city.asked) > seen, "the next request")
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert (process.returncode, f"{ROWS + 1} records delivered" in said) == (0, True), said


def test_what_it_sends_holds_keys_of_the_environment_and_keeps_the_pace(mesh: RunningMesh, city: City, tmp_path: Path) -> None:
    kit = Kit(mesh, city, headers={"X-App-Token": "${CITY_TOKEN}"}, query={"key": "a ${CITY_TOKEN} b"}, per_minute=120)
    began = time.monotonic()
    subprocess.run(kit.command(), check=True, env={**os.environ, "CITY_TOKEN": "s3cret"}, timeout=120, capture_output=True)
    assert {(headers["x-app-token"], asked["key"]) for headers, asked in zip(city.seen_headers, city.asked, strict=True)} == {
        ("s3cret", "a s3cret b")
    }
    took_s = time.monotonic() - began
    assert (len(city.asked), took_s > 3.5) == (8, True), took_s
    assert b"s3cret" not in (mesh.folder / ".mesh/kits/rest-source-requests.db").read_bytes()


def test_killed_after_the_tap_stored_a_batch_it_sends_that_batch_again_under_its_key(mesh: RunningMesh, city: City) -> None:
    """As a kill between the tap's answer and the note of it leaves the place: the batch is in the lake and still noted."""
    kit = Kit(mesh, city)
    kit.run()
    batch = b"".join(json.dumps(row, separators=(",", ":")).encode() + b"\n" for row in city.rows)
    with sqlite3.connect(mesh.folder / ".mesh/kits/rest-source-requests.db") as place:
        place.execute("update place set batch = ?", (batch,))
    kit.run()
    assert landed(mesh) == once(range(ROWS))


def test_ids_beyond_a_float_lose_nothing_between_two_readings(mesh: RunningMesh, city: City) -> None:
    """As a float the first one is 1234567890123456768, behind which the second reading would begin."""
    rows = [{"unique_key": str(number), "id": 1234567890123456700 + number} for number in (0, 30, 60)]
    since = {"field": "id", "start": 0, "overlap": 0, "ordered": True}
    kit = Kit(mesh, city, paging=None, query={"after": "{since}"}, since=since)
    city.answers = [(200, {}, json.dumps(rows[:1]).encode()), (200, {}, json.dumps(rows).encode())]
    assert "1 new records, 1 read" in kit.run()
    assert "2 new records, 3 read" in kit.run()
    assert [asked["after"] for asked in city.asked] == ["0", "1234567890123456700"]
    assert landed(mesh) == dict.fromkeys((0, 30, 60), 1)
