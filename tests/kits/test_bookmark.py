"""A kit's place that is not as the kit has left it, or another source's: one line and what to do, never another beginning in silence."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mesh.kits.delivery import KitFailed
from mesh.kits.opensearch.index import Index
from mesh.kits.opensearch.place import places
from mesh.kits.postgres.place import Place as PostgresPlace
from mesh.kits.postgres.place import Source
from mesh.kits.rest.place import InFile
from mesh.kits.rest.place import Place as RestPlace

INDEX = Index("http://search.acme.example:9200", "logs", "first", 2)
SOURCE = Source("7301", 1, "shop", ("public.orders",))
URL = "https://data.acme.example/requests"
BATCH = b'{"n":1}\n{"n":2}\n'


def opensearch(folder: Path, index: Index = INDEX) -> Path:
    """Of a first part with a batch under way."""
    first, _ = places(folder, index, 2, anew=False)
    first.begin(BATCH, 2)
    return first.file


def postgres(folder: Path, source: Source = SOURCE) -> Path:
    place = PostgresPlace(folder / "postgres-tapmesh.json", source)
    place.read()
    place.save((7, 1), BATCH)
    return place.file


def rest(folder: Path, source: str = URL) -> Path:
    place = RestPlace(InFile(folder / "rest.db"), source)
    for number in range(2000):
        place.new(b"%d" % number, number)
    place.note(BATCH)
    place.close()
    return folder / "rest.db"


KEPT = [opensearch, postgres]
DAMAGED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda whole: b"", "Input data was truncated"),
    "cut off in its head": (lambda whole: whole[:20], "Input data was truncated"),
    "cut off behind its head": (lambda whole: whole.partition(b"\n")[0], "it was cut off or changed"),
    "cut off in its batch": (lambda whole: whole[:-9], "it was cut off or changed"),
    "without its batch": (lambda whole: whole.removesuffix(BATCH), "it was cut off or changed"),
    "changed": (lambda whole: whole.replace(b'"n":1', b'"n":7'), "it was cut off or changed"),
    "not JSON": (lambda whole: b"no place\n" + whole, "JSON is malformed"),
    "of another shape": (lambda whole: b'{"place": 7}', "Object missing required field"),
}
UNLIKE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda whole: b"", "no such table: sent"),
    "cut off": (lambda whole: whole[: len(whole) // 2], "malformed"),
    "cut off in its first page": (lambda whole: whole[:1000], "malformed"),
    "not SQLite": (lambda whole: b'{"place": 7}' * 100, "file is not a database"),
}


@pytest.mark.parametrize("keep", KEPT, ids=lambda keep: keep.__name__)
@pytest.mark.parametrize("damaged", DAMAGED)
def test_a_damaged_place_is_said_and_left_alone(tmp_path: Path, keep: Callable[[Path], Path], damaged: str) -> None:
    file, (damage, why) = keep(tmp_path), DAMAGED[damaged]
    file.write_bytes(left := damage(file.read_bytes()))
    with pytest.raises(KitFailed, match=f"{file} is no place of a kit: {why}") as refused:
        keep(tmp_path)
    assert ("--anew" in refused.value.hint, file.read_bytes()) == (True, left)


@pytest.mark.parametrize("keep", KEPT, ids=lambda keep: keep.__name__)
def test_a_place_that_cannot_be_read_is_said(tmp_path: Path, keep: Callable[[Path], Path]) -> None:
    file = keep(tmp_path)
    file.unlink()
    file.mkdir()
    with pytest.raises(KitFailed, match=f"{file} cannot be read: Is a directory"):
        keep(tmp_path)


@pytest.mark.parametrize("damaged", UNLIKE)
def test_a_damaged_database_is_said_and_left_alone(tmp_path: Path, damaged: str) -> None:
    file, (damage, why) = rest(tmp_path), UNLIKE[damaged]
    file.write_bytes(left := damage(file.read_bytes()))
    with pytest.raises(KitFailed, match=f"{file} is no place of a kit: .*{why}") as refused:
        rest(tmp_path)
    assert (refused.value.hint.startswith("delete it"), file.read_bytes()) == (True, left)


@pytest.mark.parametrize(
    ("tables", "why"),
    [
        ("create table visits (at text)", "no such table: sent"),
        ("create table place (city text); create table sent (digest, mark)", "no such column: source"),
        ("create table place (source, point, round, batch); create table sent (digest, mark)", "it says of no source"),
    ],
)
def test_a_database_of_something_else_is_said(tmp_path: Path, tables: str, why: str) -> None:
    with sqlite3.connect(tmp_path / "rest.db") as other:
        other.executescript(tables)
    with pytest.raises(KitFailed, match=f"rest.db is no place of a kit: {why}"):
        rest(tmp_path)


def test_a_place_of_another_source_is_said_with_whose_it_is(tmp_path: Path) -> None:
    """Read by its own source it is as it was."""
    logs, changes, city = opensearch(tmp_path / "logs"), postgres(tmp_path), rest(tmp_path)
    elsewhere = replace(INDEX, cluster="http://127.0.0.1:9200", uuid="other")
    restored = Source("7301", 2, "shop", SOURCE.tables)
    with pytest.raises(KitFailed, match=f"{logs} is the place of http://search.acme.example:9200/logs"):
        opensearch(tmp_path / "logs", elsewhere)
    with pytest.raises(
        KitFailed, match=f"{changes} is the place of the database shop of the server 7301, timeline 1, this is .* timeline 2"
    ):
        postgres(tmp_path, restored)
    with pytest.raises(KitFailed, match=f"{city} is the place of another source, {URL}"):
        rest(tmp_path, "https://data.acme.example/other")
    first, second = places(tmp_path / "logs", INDEX, 2, anew=False)
    assert (first.batch, first.batch_to, second.batch) == (BATCH, 2, b"")
    place = PostgresPlace(changes, SOURCE)
    place.read()
    assert (place.known, place.point, place.batch) == (True, (7, 1), BATCH)
    assert RestPlace(InFile(city), URL).batch == BATCH


def test_a_part_that_is_missing_is_said(tmp_path: Path) -> None:
    opensearch(tmp_path)
    (tmp_path / "1-of-2").unlink()
    with pytest.raises(KitFailed, match="1-of-2 is missing, or of an earlier index than those beside it"):
        opensearch(tmp_path)


def test_parts_that_were_not_made_whole_are_made_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A kill at the very first start: nothing was sent."""
    for place in places(tmp_path, INDEX, 2, anew=False)[1:]:
        place.file.unlink()
    assert (opensearch(tmp_path).name, capsys.readouterr().err) == ("0-of-2", "")


def test_an_index_that_was_made_anew_is_exported_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    opensearch(tmp_path)
    first, _ = places(tmp_path, replace(INDEX, uuid="second"), 2, anew=False)
    assert (first.batch, capsys.readouterr().err) == (b"", "logs was made anew: exporting it from its start\n")


def test_other_tables_begin_at_what_the_server_says_and_send_what_was_under_way(tmp_path: Path) -> None:
    place = PostgresPlace(postgres(tmp_path), Source("7301", 1, "shop", ("public.items",)))
    place.read()
    assert (place.known, place.point, place.batch) == (False, (0, 0), BATCH)


def test_anew_forgets_a_damaged_export(tmp_path: Path) -> None:
    opensearch(tmp_path).write_bytes(b"")
    assert [place.batch for place in places(tmp_path, INDEX, 2, anew=True)] == [b"", b""]
