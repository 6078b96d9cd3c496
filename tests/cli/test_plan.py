"""`tapmesh plan` as people and scripts read it."""

import json
from pathlib import Path

from tests.cli.conftest import TAPS, Ask

GRANTED = """
  stock: {closed: true, concurrency: 3, keep: 30d, grants: {read: [partner, {account: "222222222222"}]}}
"""


def test_the_tree_names_what_each_tap_becomes(here: Path, ask: Ask) -> None:
    (here / "taps.yaml").write_text(TAPS.rstrip() + GRANTED)
    said = ask("plan", "--stack", "prod")
    assert said.code == 0
    lines = [line.strip("│├└─ ") for line in said.out.splitlines()]
    assert lines[0] == "test-prod: 3 taps, 18 resources of their own"
    clicks, orders, stock = (lines[lines.index(f"{tap}  growth") :] for tap in ("clicks", "orders", "stock"))
    assert clicks[1:4] == ["function    test-prod-clicks, 128 MB", "url         POST", "writes      anyone"]
    assert orders[3] == "writes      lead, partner until 2026-01-31"
    assert stock[1:3] == ["function    test-prod-stock, 128 MB, at most 3 at once", "url         none: closed"]
    assert "resources   role, policy, settings, function, table, access point" in stock
    assert said.err.splitlines() == [
        "warning: stock: partner may read, but AWS knows roles and accounts only; grant those too",
        "warning: stock: closed; once tapmesh status shows nothing open, delete its block: its data stays",
    ]


def test_scripts_get_the_whole_plan(here: Path, ask: Ask) -> None:
    (here / "taps.yaml").write_text(TAPS)
    plan = json.loads(ask("plan", "--json").out)
    assert (plan["name"], plan["lake"]["bucket"], [tap["name"] for tap in plan["taps"]]) == (
        "test-dev",
        "test-lake-dev",
        ["clicks", "orders"],
    )
    assert plan["taps"][0]["function"]["environment"]["TAPMESH_SETTINGS"] == plan["taps"][0]["settings_key"]


def test_a_stack_that_cannot_be_in_a_name_is_refused_before_the_file_is_read(here: Path, ask: Ask) -> None:
    said = ask("plan", "--stack", "Production!")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: Production!: a stack's name here is a-z, then a-z, 0-9 and -, at most 15 characters")
