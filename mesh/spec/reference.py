"""The language described: JSON Schema for editors, Markdown for docs/taps-yaml.md, both from the models' own words."""

from typing import Any, get_args, get_origin

from pydantic import BaseModel

from mesh.spec.language import NOT_YET, Top

_TITLE = """# taps.yaml, key by key

Written from the same definitions that check the file; `tapmesh schema` prints them as JSON Schema. Sizes take MB (10^6) or MiB (2^20),
durations s, m, h or d. A key that is not listed here is a problem, and so is one that stands twice.
"""


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the file."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Top.model_json_schema(by_alias=True), "title": "taps.yaml"}


def reference() -> str:
    """The Markdown page."""
    rows = "\n".join(_rows(Top, ""))
    return f"{_TITLE}\n| key | default | meaning |\n| --- | --- | --- |\n{rows}\n\nReserved, not yet taken: {', '.join(NOT_YET)}.\n"


def _rows(model: type[BaseModel], prefix: str) -> list[str]:
    rows = []
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        default = "required" if field.is_required() else _shown(field.default)
        rows.append(f"| `{key}` | {default} | {field.description or ''} |")
        for nested, step in _nested(field.annotation):
            rows += _rows(nested, f"{key}{step}.")
    return rows


def _nested(annotation: Any, step: str = "") -> list[tuple[type[BaseModel], str]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [(annotation, step)]
    kind, args = get_origin(annotation), get_args(annotation)
    step += ".<name>" if kind is dict else "[]" if kind is list else ""
    return [found for arg in args for found in _nested(arg, step)]


def _shown(default: Any) -> str:
    if isinstance(default, BaseModel):
        return "see below"
    if default is None or default in ([], {}):
        return "none"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


if __name__ == "__main__":
    print(reference(), end="")
