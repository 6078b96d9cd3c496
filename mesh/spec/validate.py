"""Plain values -> one of the language's models, with every fault said in the words of the file rather than pydantic's."""

import copy
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mesh.spec.language import NOT_YET
from mesh.spec.nodes import Path_, Tree
from mesh.spec.problems import did_you_mean
from mesh.spec.types import is_type

Model = TypeVar("Model", bound=BaseModel)
FAULTY = "\0"  # stands where a fault was said already; no text of a file can be it
STAND_IN_EMAIL = "faulty@faulty.faulty"
_STAND_IN: dict[str, Any] = {"team": FAULTY, "to": FAULTY, "type": FAULTY, "version": 1, "mesh": "faulty", "email": STAND_IN_EMAIL}
_STAND_IN |= {"into": FAULTY, "every": "1m", "url": "https://faulty", "rest": {"url": "https://faulty"}}
_UNION_TAGS = ("str", "int", "GrantKeys", "ReadKeys", "ColumnKeys")
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
                tree.say((*path, *where), _words(model, where, fault))
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


def _words(model: type[BaseModel], where: Path_, fault: Any) -> str:
    kind, given = fault["type"], fault["input"]
    if kind == "extra_forbidden":
        return _unknown_key(model, where, fault["loc"], given)
    if kind == "missing":
        return "required, but missing" + _MISSING.get(where, "")
    if kind == "value_error":
        return f"{str(fault['ctx']['error'])}, got {_shown(given)}"
    if kind == "literal_error":
        allowed = [part.strip(" '\"") for part in str(fault["ctx"]["expected"]).replace(" or ", ", ").split(",")]
        wanted = f"expected {' or '.join([', '.join(allowed[:-1]), allowed[-1]] if allowed[1:] else allowed)}, got"
        if given in allowed:
            return f"{wanted} the text {given!r}; without quotes"
        close = did_you_mean(given, allowed) if isinstance(given, str) else ""
        return f"{wanted} {_shown(given)}" + (f"; {close}" if close.startswith("did") else "")
    if kind == "string_pattern_mismatch":
        return f"expected {PATTERNS.get(str(where[-1]), 'the form ' + str(fault['ctx']['pattern']))}, got {_shown(given)}"
    at_place = "expected columns like id: INTEGER" if where == ("schema",) else _WANTED_AT.get(where[:-1]) or _WANTED_AT.get(where[-1:])
    quoted = "; put it in quotes" if kind == "string_type" and type(given) in (int, float) and at_place is None else ""
    below = " indented below it" if given is None and kind in ("dict_type", "model_type") else ""
    return f"{at_place or _WANTED.get(kind, str(fault['msg']).lower())}{below}, got {_shown(given)}{quoted}"


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
