"""SQL as the page's box runs it: over the lake, read only, bounded."""

from pathlib import Path
from typing import Any

import pytest

from mesh.local.live.query import MAX_ROWS, answer
from tap_runtime import lake
from tap_runtime.store import folder_store
from tests.tap_runtime.local_tap import column, settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A lake with one tap and nothing landed, and something private beside it."""
    tap = settings((column("x", "INTEGER"),))
    folder_store(tmp_path / "lake").put(lake.settings_key("clicks", tap.sha256()), tap.to_json())
    (tmp_path / "scratch").mkdir()
    (tmp_path / "private").write_text("secret")
    return tmp_path


def ask(folder: Path, sql: str) -> dict[str, Any]:
    return answer(folder / "lake", folder / "scratch", sql)


def files(folder: Path) -> list[str]:
    return sorted(str(path) for path in (folder / "lake").rglob("*"))


def test_values_come_as_text_and_null_stays_null(folder: Path) -> None:
    found = ask(folder, "select 1 as i, 'inf'::double as f, null as n, true as b, {'a': [date '2026-11-23']} as s, 'é' as t;")
    assert found["rows"] == [["1", "inf", None, "true", '{"a":["2026-11-23"]}', "é"]]
    assert [column["name"] for column in found["columns"]] == ["i", "f", "n", "b", "s", "t"]


def test_rows_are_cut_at_the_cap_and_keep_their_order(folder: Path) -> None:
    found = ask(folder, f"select i from range({MAX_ROWS + 1}) as t(i) order by i desc")
    assert (len(found["rows"]), found["cut"], found["rows"][0], found["rows"][-1]) == (MAX_ROWS, True, [str(MAX_ROWS)], ["1"])
    assert ask(folder, "from clicks")["rows"] == []
    assert ask(folder, "describe clicks")["rows"][-1][:2] == ["hour", "INTEGER"]


def test_errors_are_duckdbs_with_the_lines_of_the_statement(folder: Path) -> None:
    assert ask(folder, "select 1\nfrom\nnowhere")["error"].splitlines() == [
        "Catalog Error: Table with name nowhere does not exist!",
        "LINE 3: nowhere",
        "        ^^^^^^^",
        "tables here: _manifests, _quarantine, _senders, clicks",
    ]
    assert ask(folder, "selec 1")["error"].splitlines()[1:] == ["LINE 1: selec 1", "        ^^^^^"]
    assert ask(folder, "select 'a'::int")["error"].splitlines()[1:] == ["LINE 1: select 'a'::int", "                  ^^^^^"]
    assert "syntax error" in ask(folder, "selec 1")["error"]


@pytest.mark.parametrize(
    "sql",
    [
        "copy (select 1) to '{lake}/x.csv'",
        "with c as (copy (select 1) to '{lake}/x.csv') select * from c",
        "select 1) ; copy (select 1) to '{lake}/x.csv'; select * from (select 1",
        "select 1; select 2",
        "attach '{lake}/x.db'",
        "set enable_external_access = true",
        "call enable_logging(storage_path = '{lake}/x')",
        "from enable_logging(storage = 'file', storage_path = '{lake}/x')",
        "from query('copy (select 1) to ''{lake}/x.csv''')",
        "install httpfs",
        "pragma database_list",
        "-- nothing",
        "from read_text('{private}')",
        "from read_text('{lake}/../private')",
        "from glob('/etc/*')",
        "from read_csv('https://example.org/x.csv')",
    ],
)
def test_nothing_is_written_and_nothing_beside_the_lake_is_read(folder: Path, sql: str) -> None:
    before = files(folder)
    found = ask(folder, sql.format(lake=folder / "lake", private=folder / "private"))
    assert list(found) == ["error"]
    assert "secret" not in str(found)
    assert files(folder) == before


def test_a_link_out_of_the_lake_is_not_followed(folder: Path) -> None:
    (folder / "lake" / "link.txt").symlink_to(folder / "private")
    assert "secret" not in str(ask(folder, f"from read_text('{folder}/lake/link.txt')"))


def test_a_query_without_end_is_stopped(folder: Path) -> None:
    sql = "select count(*) from range(10000000000) as a(i), range(10000000000) as b(j) where i * j % 7 = 3"
    assert answer(folder / "lake", folder / "scratch", sql, limit_s=1)["error"].startswith("Stopped after 1 s")
