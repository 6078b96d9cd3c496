"""Plain values -> one of the language's models, with every fault said in the words of the file rather than pydantic's."""

import copy
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mesh.spec.language import NOT_YET
from mesh.spec.nodes import Path_, Tree
from mesh.spec.problems import did_you_mean

Model = TypeVar("Model", bound=BaseModel)
_UNION_TAGS = ("str", "int", "GrantKeys", "ReadKeys", "ColumnKeys")
_WANTED = {
    "string_type": "expected text",
    "bool_type": "expected true or false",
    "int_type": "expected a whole number",
    "list_type": "expected a list",
    "dict_type": "expected keys and values",
    "model_type": "expected keys and values",
    "missing": "required, but missing",
}


def validate(model: type[Model], value: Any, tree: Tree, path: Path_) -> Model | None:
    """The model of `value`, its faults noted in `tree`; what is faulty is left out, so that the rest is still looked at."""
    value = copy.deepcopy(value)
    said: set[Path_] = set()
    for _ in range(8):
        try:
            return model.model_validate(value)
        except ValidationError as invalid:
            faults = _without_union_noise(invalid)
        removed = False
        for where, fault in faults:
            if where not in said:
                tree.say(tree.mark((*path, *where)), (*path, *where), _words(model, fault))
            said.add(where)
            removed |= _remove(value, where)
        if not removed:
            return None
    return None


def _without_union_noise(invalid: ValidationError) -> list[tuple[Path_, Any]]:
    """One fault a place: of the members of a union the one whose shape was meant."""
    found: dict[Path_, Any] = {}
    for fault in invalid.errors(include_url=False, include_context=True):
        where = tuple(part for part in fault["loc"] if part not in _UNION_TAGS)
        shape = fault["loc"][-1] if fault["loc"] else ""
        if shape in ("str", "int") and isinstance(fault["input"], dict):
            continue
        found.setdefault(where, fault)
    return list(found.items())


def _words(model: type[BaseModel], fault: Any) -> str:
    kind, given = fault["type"], fault["input"]
    if kind == "extra_forbidden":
        return _unknown_key(model, fault["loc"])
    if kind == "literal_error":
        allowed = [part.strip(" '\"") for part in str(fault["ctx"]["expected"]).replace(" or ", ", ").split(",")]
        return (
            f"expected one of {', '.join(allowed)}; {did_you_mean(given, allowed)}"
            if isinstance(given, str)
            else f"expected {' or '.join(allowed)}"
        )
    if kind == "value_error":
        return f"{str(fault['ctx']['error'])}, got {_shown(given)}"
    if kind == "string_pattern_mismatch":
        return f"not accepted: {_shown(given)}; expected {_PATTERNS.get(str(fault['loc'][-1]), 'the form ' + str(fault['ctx']['pattern']))}"
    if kind == "missing":
        return _WANTED[kind]
    return f"{_WANTED.get(kind, str(fault['msg']).lower())}, got {_shown(given)}"


_PATTERNS = {
    "mesh": "a lower-case name of at most 15 letters, digits and -",
    "bucket": "an S3 bucket name: 3 to 63 lower-case letters, digits, . and -",
    "email": "an e-mail address",
    "role": "arn:aws:iam::<account>:role/<name>",
}


def _unknown_key(model: type[BaseModel], where: tuple[Any, ...]) -> str:
    name = str(where[-1])
    if name in NOT_YET:
        return f"not yet: {name} is reserved for a later version; leave it out"
    for part in (part for part in where[:-1] if isinstance(part, str) and part not in _UNION_TAGS):
        for field_name, field in model.model_fields.items():
            nested = field.annotation
            if part in (field_name, field.alias) and isinstance(nested, type) and issubclass(nested, BaseModel):
                model = nested
    return f"unknown key; {did_you_mean(name, [field.alias or field_name for field_name, field in model.model_fields.items()])}"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, list):
        return "a list"
    return "nothing" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)[:60]


def _remove(value: Any, where: Path_) -> bool:
    for part in where[:-1]:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return False
    if isinstance(value, dict) and where and where[-1] in value:
        del value[where[-1]]
        return True
    if isinstance(value, list) and where and isinstance(where[-1], int) and where[-1] < len(value):
        value[where[-1]] = None
        value[:] = [element for element in value if element is not None]
        return True
    return False
