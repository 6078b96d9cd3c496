"""`tapmesh trace` tells of the request it was asked about: its rows, its lines in quarantine, and when there never was such a request."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tap_runtime import lake
from tap_runtime.settings import OutputColumn
from tests.cli.conftest import Ask
from tests.tap_runtime.local_tap import LocalTap, column, settings

COLUMNS = (column("id", "INTEGER"),)
OUTPUT = (OutputColumn("id", "INTEGER"), OutputColumn("_batch", "VARCHAR"), OutputColumn("_request", "BIGINT"))
SQL = "select id, _batch, _request from events"


@pytest.fixture(params=["stored", "buffered"])
def tap(request: pytest.FixtureRequest, tmp_path: Path) -> LocalTap:
    return LocalTap(tmp_path, settings(COLUMNS, SQL, output=OUTPUT, ack=request.param))


@pytest.fixture
def traced(ask: Ask, tmp_path: Path) -> Any:
    """What `tapmesh trace` ends with and shows, by the label of each line; a line without one belongs to the one before."""

    def told(receipt: str) -> tuple[int, dict[str, str]]:
        said = ask("trace", receipt, "--lake", str(tmp_path / "lake"))
        assert said.err == ""
        found = re.findall(r"^(\w+): +(.*(?:\n {10}.*)*)$", said.out, re.MULTILINE)
        return said.code, {label: re.sub(r"\n +", "\n", text) for label, text in found}

    return told


def batch_of(tap: LocalTap) -> str:
    """Three requests in one batch: two rows, a row and a refused line, a refused line alone."""
    bodies = (b'{"id":1}\n{"id":2}\n', b'{"id":3}\nbad\n', b'{"id":"x"}\n')
    receipts = [tap.post(body).content["receipt"] for body in bodies]
    batch, _, first = receipts[0].rpartition("-")
    assert (receipts[1:], first) == ([f"{batch}-1", f"{batch}-2"], "0")
    return str(batch)


def query_of(text: str) -> str:
    found = re.search(r'tapmesh query "(.*)"$', text)
    assert found is not None
    return found[1]


def test_each_request_has_its_own_rows_and_its_own_quarantine(tap: LocalTap, traced: Any, ask: Ask, tmp_path: Path) -> None:
    batch = batch_of(tap)
    tap.land()
    told = [traced(f"{batch}-{number}") for number in range(3)]
    assert [(code, lines["state"]) for code, lines in told] == [(0, "landed in clicks")] * 3
    assert all("the whole batch: 3 requests, 5 lines received, 3 rows, 2 lines in quarantine" in lines["landed"] for _, lines in told)
    rows = [lines["rows"].partition("\n")[0] for _, lines in told]
    assert rows == ["2 rows of this request", "1 row of this request", "none of this request"]
    bad = [lines.get("bad", "").partition("\n")[0] for _, lines in told]
    assert bad == ["", "1 line of this request in quarantine", "1 line of this request in quarantine"]
    for query, found in [(told[1][1]["rows"], {"id": 3}), (told[2][1]["bad"], {"line": 1, "record": '{"id":"x"}'})]:
        said = ask("query", query_of(query), "--format", "json", "--lake", str(tmp_path / "lake"))
        (row,) = map(json.loads, said.out.splitlines())
        assert found.items() <= row.items()


def test_a_request_that_never_was_is_unknown(tap: LocalTap, traced: Any) -> None:
    batch = batch_of(tap)
    open_code, opened = traced(f"{batch}-2")
    assert (open_code, opened["state"].partition(":")[0]) == (0, "open in clicks")
    if tap.settings.ack == "stored":
        assert traced(f"{batch}-3")[1]["state"] == "unknown: the open batch of clicks has no request 3"
    tap.land()
    code, lines = traced(f"{batch}-3")
    assert (code, lines["state"]) == (1, "unknown: clicks landed this batch with 3 requests, numbered from 0")
    assert lines.keys() == {"state", "batch", "manifest", "landed", "file"}
    assert traced(batch.replace("2026", "2025") + "-0")[0] == 1


def test_a_batch_that_went_to_quarantine_says_so(tap: LocalTap, traced: Any, ask: Ask, tmp_path: Path) -> None:
    receipt = tap.post(b"bad\nworse\n").content["receipt"]
    tap.land()
    code, lines = traced(receipt)
    assert (code, lines["state"]) == (0, "quarantined in clicks: no line of the batch is in its Parquet")
    assert lines["rows"] == "none of this request"
    said = ask("query", query_of(lines["bad"]), "--format", "csv", "--lake", str(tmp_path / "lake"))
    assert [line.rpartition(",")[2] for line in said.out.splitlines()] == ["record", "bad", "worse"]


def test_sql_that_keeps_no_request_numbers_is_told_and_so_is_sql_that_leaves_records_out(tmp_path: Path, traced: Any) -> None:
    anonymous = LocalTap(tmp_path, settings(COLUMNS, "select id from events", output=OUTPUT[:1], ack="stored"))
    receipt = anonymous.post(b'{"id":1}\nbad\n').content["receipt"]
    anonymous.land()
    lines = traced(receipt)[1]
    assert lines["rows"] == "not told by request: the tap's SQL does not keep _batch and _request"
    assert lines["bad"].startswith("1 line of this request in quarantine\n")
    picky = LocalTap(tmp_path, settings(COLUMNS, SQL + " where id > 1", tap="orders", output=OUTPUT))
    receipt = picky.post(b'{"id":1}\n').content["receipt"]
    picky.post(b'{"id":2}\n')
    picky.land()
    assert traced(receipt)[1]["rows"] == "none of this request; the tap's SQL left its records out"


def test_a_lost_batch_names_its_report(tap: LocalTap, traced: Any) -> None:
    batch = batch_of(tap)
    tap.store.put(lake.lost_key("clicks", batch), b"{}")
    if tap.settings.ack == "stored":  # in the lake, whatever a report says
        assert traced(f"{batch}-0")[1]["state"].startswith("open in clicks")
    tap.store.delete([lake.marker_key("clicks", batch)])
    assert f"_mesh/lost/clicks/{batch} says how much at most" in traced(f"{batch}-0")[1]["state"]


def test_json_has_the_same(tap: LocalTap, ask: Ask, tmp_path: Path) -> None:
    batch = batch_of(tap)
    tap.land()
    found = json.loads(ask("trace", f"{batch}-1", "--json", "--lake", str(tmp_path / "lake")).out)
    assert found.pop("manifest")["counts"]["requests"] == 3
    where = f"_batch = '{batch}' and _request = 1"
    assert found == {
        "state": "landed",
        "tap": "clicks",
        "batch": batch,
        "request": 1,
        "manifest_key": lake.manifest_key("clicks", batch),
        "rows_where": where,
        "rows": 1,
        "quarantined": 1,
    }
