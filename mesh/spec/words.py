"""A fault that pydantic found, said in the words of `taps.yaml`: what was expected there, what was given, what was meant."""

from typing import Any

from pydantic import BaseModel

from mesh.spec.language import NOT_YET
from mesh.spec.nodes import Path_
from mesh.spec.problems import did_you_mean
from mesh.spec.types import is_type

_WANTED = {
    "string_type": "expected text",
    "bool_type": "expected true or false",
    "int_type": "expected a whole number from 1 to 900",
    "list_type": "expected a list",
    "dict_type": "expected keys and values",
    "model_type": "expected keys and values",
    "greater_than_equal": "expected a whole number from 1 to 900",
    "less_than_equal": "expected a whole number from 1 to 900",
}
_WANTED_AT: dict[Path_, str] = {
    ("grants", "write"): "expected a person, a team or {to: …, until: …}",
    ("grants", "read"): "expected a person, a team, {role: …} or {account: …}",
    ("account",): "expected an account id of 12 digits",
    ("schema",): "expected a DuckDB type, or {type: …, epoch: …, about: …}",
}
_MISSING: dict[Path_, str] = {("team",): "; name the owner here, or once for all taps in defaults.team"}
PATTERNS = {
    "mesh": "a-z, then a-z, 0-9 and -, at most 15 characters",
    "bucket": "an S3 bucket name: 3 to 63 characters of a-z, 0-9, . and -, first and last a letter or digit",
    "email": "an e-mail address",
    "owner": "an e-mail address",
    "role": "arn:aws:iam::<account>:role/<name>",
}


def keys_of(model: type[BaseModel]) -> list[str]:
    """The keys a map of the file may have."""
    return [field.alias or known for known, field in model.model_fields.items()]


def in_words(model: type[BaseModel], where: Path_, fault: Any) -> str:
    """One of pydantic's faults, found at `where` below `model`."""
    given = fault["input"]
    match fault["type"]:
        case "extra_forbidden":
            return _unknown_key(model, where, fault["loc"], given)
        case "missing":
            return "required, but missing" + _MISSING.get(where, "")
        case "value_error":
            return f"{fault['ctx']['error']}, got {_shown(given)}"
        case "literal_error":
            return _not_one_of(str(fault["ctx"]["expected"]), given)
        case "string_pattern_mismatch":
            return f"expected {PATTERNS.get(str(where[-1]), 'the form ' + str(fault['ctx']['pattern']))}, got {_shown(given)}"
        case kind:
            return _of_another_kind(where, kind, given, str(fault["msg"]).lower())


def _not_one_of(expected: str, given: Any) -> str:
    """`expected` is pydantic's list of them: 'a', 'b' or 'c'."""
    allowed = [part.strip(" '\"") for part in expected.replace(" or ", ", ").split(",")]
    wanted = f"expected {' or '.join([', '.join(allowed[:-1]), allowed[-1]] if allowed[1:] else allowed)}, got"
    if given in allowed:
        return f"{wanted} the text {given!r}; without quotes"
    close = did_you_mean(given, allowed) if isinstance(given, str) else ""
    return f"{wanted} {_shown(given)}" + (f"; {close}" if close.startswith("did") else "")


def _of_another_kind(where: Path_, kind: str, given: Any, otherwise: str) -> str:
    at_place = "expected columns like id: INTEGER" if where == ("schema",) else _WANTED_AT.get(where[:-1]) or _WANTED_AT.get(where[-1:])
    quoted = "; put it in quotes" if kind == "string_type" and type(given) in (int, float) and at_place is None else ""
    below = " indented below it" if given is None and kind in ("dict_type", "model_type") else ""
    return f"{at_place or _WANTED.get(kind, otherwise)}{below}, got {_shown(given)}{quoted}"


def _unknown_key(model: type[BaseModel], where: Path_, loc: tuple[str | int, ...], given: Any) -> str:
    name, outermost = str(where[-1]), model
    if name in NOT_YET:
        return f"not yet: {name} is reserved for a later version; leave it out"
    members = {tag: nested for field in model.model_fields.values() for tag, nested in _members(field.annotation)}
    for part in loc[:-1]:
        fields = {field.alias or known: field.annotation for known, field in model.model_fields.items()}
        if part in fields:
            members = dict(_members(fields[part]))
            model = next((nested for tag, nested in members.items() if fields[part] in (nested, nested | None)), model)
        elif isinstance(part, str) and part in members:
            model = members[part]
    if model is not outermost and name in keys_of(outermost):
        return f"unknown key; {name} does not belong below {where[-2]}: indent it by less"
    if (below := _below(model, name, given)) is not None:
        return f"unknown key; {below}: indent it by more than that"
    return f"unknown key; {did_you_mean(name, keys_of(model))}"


def _below(model: type[BaseModel], name: str, given: Any) -> str | None:
    """Under which of the model's keys an unknown one was meant to stand."""
    fields = dict(zip(keys_of(model), (field.annotation for field in model.model_fields.values()), strict=True))
    for key, annotation in fields.items():
        if any(nested is annotation and name in keys_of(nested) for _, nested in _members(annotation)):
            return f"{name} belongs below {key}"
    if isinstance(given, dict) and "taps" in fields and "team" in given:
        return "a tap stands below taps"
    return "a column stands below schema" if "schema" in fields and isinstance(given, str) and is_type(given) else None


def _members(annotation: Any) -> list[tuple[str, type[BaseModel]]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [(annotation.__name__, annotation)]
    return [found for arg in getattr(annotation, "__args__", ()) for found in _members(arg)]


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    return "nothing" if value is None else value if isinstance(value, str) and _plainly(value) else repr(value)[:60]


def _plainly(text: str) -> bool:
    return 0 < len(text) <= 60 and text.isprintable() and text == text.strip()
