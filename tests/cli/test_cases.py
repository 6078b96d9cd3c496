"""`tapmesh test`: what it says of cases that pass, that fail and that are none."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Ask

CASE = """\
about: Event types are in lower case.
input: |
  {"eventType":"Click","x":10,"y":20}
  {"eventType":"Scroll"}
rows:
  - {eventType: click, x: 10}
  - {eventType: scroll, x: null}
"""


@pytest.fixture
def case(here: Path, ask: Ask) -> Path:
    """A case of the mesh that init writes, which has one of its own."""
    assert ask("init").code == 0
    file = here / "cases/clicks/mine.yaml"
    file.write_text(CASE)
    return file


def test_cases_that_pass(case: Path, ask: Ask) -> None:
    said = ask("test")
    assert (said.code, said.out) == (0, "ok     clicks/mine\nok     clicks/spells_events_one_way\n")
    assert "2 cases passed" in said.err
    first, _ = ask("test", "--json").out.splitlines()
    assert json.loads(first) == {"tap": "clicks", "case": "mine", "faults": []}


def test_what_differs_is_told(case: Path, ask: Ask) -> None:
    case.write_text(CASE.replace("x: 10}", "x: 11, z: 1}").replace("  - {eventType: scroll, x: null}\n", "") + "  - {}\n  - {}\n")
    said = ask("test", "clicks")
    assert (said.code, said.out.split("\n")[:4]) == (
        1,
        [
            "failed clicks/mine",
            "       2 rows came out, expected 3",
            "       row 1: x is 10, expected 11",
            "       row 1: there is no column z",
        ],
    )
    assert "1 of 2 cases failed" in said.err


def test_lines_that_the_tap_refuses_fail_the_case(case: Path, ask: Ask) -> None:
    case.write_text(CASE.replace('"x":10', '"x":"ten"'))
    assert "       input line 1: $.x: expected INTEGER, got a text\n" in ask("test", "clicks").out


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("input: [", "1:8: not YAML: the [ here is not closed"),
        ("about: A click\n input: x\n", "2:2: not YAML: input is indented by 1 space; expected 0 like about on line 1"),
        ("input: x\n", " rows: field required; a case has about, input (lines) and rows (a list)"),
        ("input: x\nrows: []\nrow: 1\n", " row: extra inputs are not permitted"),
        ("", " it: input should be"),
    ],
)
def test_a_file_that_is_no_case_is_named(case: Path, ask: Ask, text: str, why: str) -> None:
    case.write_text(text)
    said = ask("test")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"error: cases/clicks/mine.yaml:{why}")


def test_taps_that_are_not_there_are_named(case: Path, ask: Ask) -> None:
    assert "nope: no such tap" in ask("test", "nope").err
    case.rename(case.parent.parent / "mine.yaml").parent.joinpath("other").mkdir()
    case.parent.parent.joinpath("mine.yaml").rename(case.parent.parent / "other/mine.yaml")
    assert "failed other/mine\n       taps.yaml has no such tap\n" in ask("test").out
