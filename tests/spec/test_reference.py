"""The written reference and the JSON Schema say what the checks do."""

from pathlib import Path
from typing import Any

from mesh.spec.compose import read_tree
from mesh.spec.reference import json_schema, reference

ROOT = Path(__file__).parent.parent.parent


def test_page_is_current() -> None:
    assert (ROOT / "docs" / "taps-yaml.md").read_text() == reference(), "run make docs"


def _fits(value: Any, schema: dict[str, Any], all_of: dict[str, Any]) -> bool:
    """Whether the value's keys and plain types are in the schema; enough of JSON Schema for ours."""
    if not schema:
        return True
    if "$ref" in schema:
        return _fits(value, all_of["$defs"][schema["$ref"].rsplit("/", 1)[1]], all_of)
    if "anyOf" in schema:
        return any(_fits(value, one, all_of) for one in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return value in schema.get("enum", [schema.get("const")])
    if isinstance(value, dict):
        more, known = schema.get("additionalProperties", True), schema.get("properties", {})
        if schema.get("type") != "object" or not set(schema.get("required", [])) <= set(value):
            return False
        return all(key in known or more is not False for key in value) and all(
            _fits(child, known.get(key, more if isinstance(more, dict) else {}), all_of) for key, child in value.items()
        )
    if isinstance(value, list):
        return schema.get("type") == "array" and all(_fits(child, schema["items"], all_of) for child in value)
    names = {str: "string", bool: "boolean", int: "integer", type(None): "null"}
    return schema.get("type", names[type(value)]) == names[type(value)]


def test_schema_takes_the_example() -> None:
    schema = json_schema()
    assert _fits(read_tree(ROOT / "taps.yaml").value, schema, schema)


def test_schema_takes_every_key() -> None:
    schema = json_schema()
    assert _fits(read_tree(ROOT / "tests/specs/good/whole.yaml").value, schema, schema)


def test_schema_takes_a_tap_whose_team_is_a_default() -> None:
    schema = json_schema()
    assert _fits(read_tree(ROOT / "tests/specs/good/default_team.yaml").value, schema, schema)


def test_schema_refuses_unknown_keys() -> None:
    schema = json_schema()
    value = read_tree(ROOT / "taps.yaml").value
    value["taps"]["clicks"]["treshold"] = {"age": "60s"}
    assert not _fits(value, schema, schema)
