"""`tapmesh land` over a lake whose tap is gone: what is in the lake lands, what is on a disk elsewhere is left and said."""

import json
from pathlib import Path

import pytest

from tap_runtime import lake
from tests.cli.conftest import Ask
from tests.tap_runtime.local_tap import LocalTap, column, settings


def left_open(folder: Path, ack: str, *bodies: bytes) -> LocalTap:
    """A tap with one open batch, which nobody is going to land."""
    tap = LocalTap(folder, settings((column("id", "VARCHAR", required=True),), ack=ack))
    for body in bodies:
        assert tap.post(body).status == 200
    return tap


def test_what_a_deleted_tap_left_in_the_lake_lands(tmp_path: Path, ask: Ask) -> None:
    tap = left_open(tmp_path, "stored", b'{"id":"a"}\n{"id":1}\n', b'{"id":"b"}\n')
    (key,) = [entry.key for entry in tap.store.list(lake.OPEN)]
    place = str(tmp_path / "lake")
    said = ask("land", "--tap", "clicks", "--lake", place)
    assert (said.code, said.err) == (0, "")
    assert said.out == f"{key.rpartition('/')[2]}: landed, 2 rows, 1 in quarantine\n"
    rows = ask("query", "select id from clicks order by id", "--format", "json", "--lake", place)
    assert rows.out.splitlines() == ['{"id":"a"}', '{"id":"b"}']
    assert ask("land", "--tap", "clicks", "--lake", place).out == "nothing of clicks is open\n"


def test_what_an_environment_has_on_its_disk_is_left_and_said(tmp_path: Path, ask: Ask) -> None:
    tap = left_open(tmp_path, "buffered", b'{"id":"a"}\n')
    (key,) = [entry.key for entry in tap.store.list(lake.OPEN)]
    batch, place = key.rpartition("/")[2], str(tmp_path / "lake")
    said = ask("land", "--tap", "clicks", "--lake", place)
    assert said.code == 1
    assert said.out == f"{batch}: left: on the disk of the environment that took it, or lost with it, at most 16,384 records\n"
    assert said.err.startswith("error: 1 of 1 batches stay open\nhint: tapmesh status")
    (left,) = json.loads(ask("land", "--tap", "clicks", "--json", "--lake", place).out)
    assert (left["batch"], left["counts"]) == (batch, None)
    assert [entry.key for entry in tap.store.list(lake.OPEN)] == [key]


@pytest.mark.parametrize(("where", "told"), [("lake", "has no such tap"), ("nowhere", "there is no lake here yet")])
def test_a_tap_or_a_lake_that_is_not_there_is_named(tmp_path: Path, ask: Ask, where: str, told: str) -> None:
    left_open(tmp_path, "stored", b'{"id":"a"}\n')
    said = ask("land", "--tap", "click", "--lake", str(tmp_path / where))
    assert said.code == (2 if where == "lake" else 1)
    assert told in said.err
    assert ("did you mean clicks?" in said.err) == (where == "lake")
