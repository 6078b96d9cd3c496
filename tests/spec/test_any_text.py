"""Whatever stands in the file: load() answers with problems, it never raises."""

import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mesh.spec import Checked, load
from mesh.spec.language import ColumnKeys, GrantKeys, Grants, ReadKeys, TapKeys, Thresholds, Top

HEAD = {"version": 1, "mesh": "acme", "people": {"lead": {"email": "lead@acme.example"}}, "teams": {"growth": ["lead"]}}
MODELS = (Top, TapKeys, Thresholds, Grants, GrantKeys, ReadKeys, ColumnKeys)
KEYS = sorted({field.alias or name for model in MODELS for name, field in model.model_fields.items()} | {"str", "int", "faulty", "<<"})
WORDS = [
    "growth",
    "lead",
    "60s",
    "10MB",
    "2027-03-31",
    "INTEGER NOT NULL",
    "VARCHAR[]",
    "s",
    "select * from events",
    "a.sql",
    "stored",
    "on",
]
TOKENS = ["select", "from", "events", "(", ")", ",", "1", "*", ";", "--", "'x'", '"y', "with", "as", "/*", "unnest", "[", "]", "id"]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.sampled_from(WORDS) | st.dates()
NAMES = st.sampled_from(KEYS) | st.text(max_size=6) | st.integers() | st.none() | st.booleans()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | NAMES, inner, max_size=4), max_leaves=12
)
SHAPED = st.fixed_dictionaries(
    {},
    optional={
        "team": st.just("growth") | VALUES,
        "schema": st.dictionaries(NAMES, st.sampled_from(WORDS) | VALUES, max_size=3),
        "grants": st.fixed_dictionaries({}, optional={"write": st.lists(VALUES, max_size=3), "read": st.lists(VALUES, max_size=3)}),
        "thresholds": st.dictionaries(st.sampled_from(["age", "bytes", "zzz"]), VALUES, max_size=2),
        **{key: VALUES for key in ("sql", "memory", "concurrency", "keep", "origins", "retries", "freshness")},
    },
)
WHOLE = (Path(__file__).parent.parent / "specs" / "good" / "whole.yaml").read_bytes()
QUICK = settings(max_examples=150)


def _load(text: bytes) -> Checked:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder).resolve() / "taps.yaml"
        file.write_bytes(text)
        checked = load(file)
        assert (checked.mesh is None) == bool(checked.problems)
        for problem in (*checked.problems, *checked.warnings):
            line = problem.line(file.parent)
            line.encode()
            assert line.startswith("taps.yaml:")
    return checked


def _dumped(value: Any) -> bytes:
    return yaml.safe_dump(value, allow_unicode=True).encode("utf-8", "surrogatepass")


@QUICK
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode) | st.text("{}[]:-&*!|> \n\tab1'\"#,?~<", max_size=40).map(str.encode))
def test_any_bytes(text: bytes) -> None:
    _load(text)


@QUICK
@given(st.dictionaries(NAMES, VALUES, max_size=5))
def test_any_keys_at_the_top(value: dict[Any, Any]) -> None:
    _load(_dumped({**HEAD, **value}))


@QUICK
@given(st.dictionaries(st.just("clicks") | NAMES, SHAPED | VALUES, max_size=3), SHAPED | VALUES)
def test_any_values_below_taps(taps: dict[Any, Any], defaults: Any) -> None:
    _load(_dumped({**HEAD, "defaults": defaults, "taps": taps}))


@QUICK
@given(st.text(max_size=30) | st.lists(st.sampled_from(TOKENS), max_size=12).map(" ".join))
@example("\r0")
def test_any_statement(sql: str) -> None:
    _load(_dumped({**HEAD, "taps": {"clicks": {"team": "growth", "sql": sql}}}))


@QUICK
@given(st.data())
def test_any_slip_of_the_hand(data: st.DataObject) -> None:
    text = WHOLE.decode()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(st.sampled_from(["", " ", "\t", "\n", '"', "'", ":", "-", "[", "}", "\u2028", "\r"])) + text[at + 1 :]
    for problem in _load(text.encode()).problems:
        assert problem.mark.line <= len(text.splitlines()) + 1
