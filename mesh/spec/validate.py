"""Plain values -> one of the language's models. What is faulty is said (words.py) and set aside, and the rest is looked at again."""

import copy
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mesh.spec.nodes import Path_, Tree
from mesh.spec.words import in_words

Model = TypeVar("Model", bound=BaseModel)
FAULTY = "\0"  # stands where a fault was said already; no text of a file can be it
STAND_IN_EMAIL = "faulty@faulty.faulty"
_STAND_IN: dict[str, Any] = {"team": FAULTY, "to": FAULTY, "type": FAULTY, "version": 1, "mesh": "faulty", "email": STAND_IN_EMAIL}
_STAND_IN |= {"into": FAULTY, "every": "1m", "url": "https://faulty", "rest": {"url": "https://faulty"}}
_UNION_TAGS = ("str", "int", "GrantKeys", "ReadKeys", "ColumnKeys")


def validate(model: type[Model], value: Any, tree: Tree, path: Path_) -> Model | None:
    """The model of `value`, its faults noted in `tree`; what is faulty is left out, so that the rest is still looked at."""
    try:
        return model.model_validate(value)
    except ValidationError:
        return cleaned(model, value, tree, path)[0]


def cleaned(model: type[Model], value: Any, tree: Tree, path: Path_) -> tuple[Model | None, Any]:
    """The model, and the values without what is faulty."""
    value = copy.deepcopy(value)
    said: set[Path_] = set()
    for _ in range(8):
        try:
            return model.model_validate(value), value
        except ValidationError as invalid:
            faults = _without_union_noise(invalid, value)
        for where, fault in faults:
            if where not in said:
                tree.say((*path, *where), in_words(model, where, fault))
            said.add(where)
        if not all([_set_aside(value, where, fault["type"]) for where, fault in faults]):
            break
    return None, value


def _without_union_noise(invalid: ValidationError, value: Any) -> list[tuple[Path_, Any]]:
    """One fault a place: of the members of a union the one whose shape was meant."""
    found: dict[Path_, Any] = {}
    meant_otherwise = []
    for fault in invalid.errors(include_url=False, include_context=True):
        where = _place(fault["loc"], value)
        if fault["loc"] and fault["loc"][-1] in ("str", "int") and isinstance(fault["input"], dict):
            meant_otherwise.append((where, fault))
        else:
            found.setdefault(where, fault)
    for where, fault in sorted(meant_otherwise, key=lambda pair: -len(pair[0])):
        if not any(other[: len(where)] == where for other in found):
            found[where] = fault
    return list(found.items())


def _place(loc: tuple[str | int, ...], value: Any) -> Path_:
    """pydantic's place without the names of a union's members."""
    where: Path_ = ()
    for part in loc:
        inside = part in value if isinstance(value, dict) else isinstance(value, list) and isinstance(part, int) and part < len(value)
        if not inside and part in _UNION_TAGS:
            continue
        where = (*where, part)
        value = value[part] if inside else None
    return where


def _set_aside(value: Any, where: Path_, kind: str) -> bool:
    """Puts FAULTY where the rest would be misread without a value, and takes the rest out."""
    if not where:
        return False
    if where[:2] == ("grants", "read") and where[3:] in (("role",), ("account",)):
        where = where[:3]
    for part in where[:-1]:
        value = value[part]
        if value == FAULTY:  # by another of its faults
            return True
    last: Any = where[-1]
    if isinstance(value, list):
        value[last] = FAULTY
    elif kind == "extra_forbidden":
        del value[last]
    elif where == ("schema",):
        value[last] = {FAULTY: FAULTY}
    elif where == ("sql",) or where[:-1] == ("schema",):
        value[last] = FAULTY
    elif last in _STAND_IN and (len(where) == 1 or last in ("to", "type", "url")):
        value[last] = copy.copy(_STAND_IN[last])
    else:
        value.pop(last, None)
    return True
