"""YAML as the mesh reads it: words as in YAML 1.2, places, and files made to hurt."""

from pathlib import Path
from typing import Any

import pytest

from mesh.spec.compose import read_tree
from mesh.spec.nodes import Tree

WORDS = [
    ("on", "on"),
    ("no", "no"),
    ("Yes", "Yes"),
    ("true", True),
    ("False", False),
    ("'true'", "true"),
    ("!!str true", "true"),
    ("2027-03-31", "2027-03-31"),
    ("12:30", "12:30"),
    ("12", 12),
    ("-3", -3),
    ("012345678901", "012345678901"),
    ("1_000", "1_000"),
    ("0x1F", "0x1F"),
    ("1.5", 1.5),
    ("9" * 40, "9" * 40),
    ("~", None),
    ("", None),
    ("null", None),
    ("'null'", "null"),
    ("&a [1, two]", [1, "two"]),
]


def _tree(folder: Path, text: str) -> Tree:
    file = folder / "taps.yaml"
    file.write_text(text)
    return read_tree(file)


@pytest.mark.parametrize(("text", "value"), WORDS)
def test_words(tmp_path: Path, text: str, value: Any) -> None:
    tree = _tree(tmp_path, f"a: {text}\n")
    assert (tree.value, tree.problems) == ({"a": value}, [])


def test_aliases_repeat_values(tmp_path: Path) -> None:
    tree = _tree(tmp_path, "a: &shared {x: [1]}\nb: *shared\nc: *shared\n")
    assert tree.value == dict.fromkeys("abc", {"x": [1]})
    assert tree.mark(("c", "x", 0)).line == 1


def test_marks(tmp_path: Path) -> None:
    tree = _tree(tmp_path, "\ufeffa:\n  b: [1, {c: 2}]\n")
    places = [(mark.line, mark.column) for path in (("a",), ("a", "b"), ("a", "b", 1), ("a", "b", 1, "c")) for mark in [tree.mark(path)]]
    assert places == [(1, 1), (2, 3), (2, 10), (2, 11)]
    assert (tree.mark(("a", "zzz", "x")), tree.has(("a", "zzz"))) == (tree.mark(("a",)), False)


@pytest.mark.parametrize("opening", ["[", "- ", "{a: ", "a:\n "])
def test_a_deep_file_is_a_problem_and_no_crash(tmp_path: Path, opening: str) -> None:
    deep = "".join(f"{' ' * depth}a:\n" for depth in range(1000)) if "\n" in opening else opening * 100_000
    assert [problem.text for problem in _tree(tmp_path, deep).problems] == ["nested more than 50 deep"]


def test_a_thousand_aliases_are_fine(tmp_path: Path) -> None:
    tree = _tree(tmp_path, "a: &shared {x: 1}\nb:\n" + "- *shared\n" * 20_000)
    assert (len(tree.value["b"]), tree.problems) == (20_000, [])
