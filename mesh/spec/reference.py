"""The language described: JSON Schema for editors, Markdown for docs/taps-yaml.md, both from the models' own words."""

from collections.abc import Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mesh.spec.language import NOT_YET, Top

_TITLE = """# taps.yaml, key by key

Written from the same definitions that check the file; `tapmesh schema` prints them as JSON Schema. Sizes take MB (10^6) or MiB (2^20),
durations s, m, h or d. A key that is not listed here is a problem, and so is one that stands twice.
"""


_WRITTEN = ("size", "duration", "days", "day")


def json_schema(teams: Sequence[str] = (), people: Sequence[str] = ()) -> dict[str, Any]:
    """The JSON Schema of the file. A mesh's own names are offered as examples: an enum would forbid the next one."""
    schema = Top.model_json_schema(by_alias=True)
    kinds = schema["$defs"]
    del kinds["TapKeys"]["required"]  # team, which may stand in defaults
    if teams:
        kinds["TapKeys"]["properties"]["team"]["examples"] = [*teams]
    if everybody := [*people, *teams]:
        kinds["GrantKeys"]["properties"]["to"]["examples"] = everybody
        for name in ("write", "read"):
            kinds["Grants"]["properties"][name]["items"]["anyOf"][0]["examples"] = everybody
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "taps.yaml"}


def reference() -> str:
    """The Markdown page."""
    rows = "\n".join(_rows(Top, ""))
    head = "| key | type | default | meaning | example |\n| --- | --- | --- | --- | --- |"
    return f"{_TITLE}\n{head}\n{rows}\n\nReserved, not yet taken: {', '.join(NOT_YET)}.\n"


def _rows(model: type[BaseModel], prefix: str) -> list[str]:
    rows = []
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        schema = model.model_json_schema(by_alias=True)["properties"][field.alias or name]
        kind = _kind(schema)
        rows.append(f"| `{key}` | {kind} | {_default(field)} | {field.description} | {_example(schema)} |")
        for nested, step in _nested(field.annotation):
            rows += _rows(nested, f"{key}{step}.")
    return rows


def _kind(schema: dict[str, Any]) -> str:
    """A property's type in the words of the page."""
    several = [_kind(one) for one in schema.get("anyOf", []) if one.get("type") != "null"]
    if several:
        return " or ".join(dict.fromkeys(several))
    if "enum" in schema or "const" in schema:
        return " or ".join(f"`{word}`" for word in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    if schema.get("type") == "string" and "examples" in schema and schema.get("title") in _WRITTEN:
        return str(schema["title"])
    words = {"string": "text", "boolean": "true or false", "integer": "number", "number": "number"}
    return words.get(schema.get("type", ""), "map")


def _example(schema: dict[str, Any]) -> str:
    own = schema.get("examples") or [example for one in schema.get("anyOf", []) for example in one.get("examples", [])]
    return f"`{_text(own[0])}`"


def _nested(annotation: Any, step: str = "") -> list[tuple[type[BaseModel], str]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [(annotation, step)]
    kind, args = get_origin(annotation), get_args(annotation)
    step += ".<name>" if kind is dict else "[]" if kind is list else ""
    return [found for arg in args for found in _nested(arg, step)]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default_factory is not None:
        return "see below"
    return "none" if field.default in (None, [], {}) else f"`{_text(field.default)}`"


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    print(reference(), end="")
