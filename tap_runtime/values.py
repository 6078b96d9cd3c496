"""One decoded JSON record -> the values DuckDB will read, or the path and fault of the first that does not fit.

This is the exact meaning of a schema; `shortcut.py` accepts a subset with the same result.
"""

from typing import Any, Literal

from tap_runtime.scalars import BadValue, Check, Checked, compile_scalar, expected
from tap_runtime.schema import Column, Field, Type

Extra = Literal["keep", "drop", "quarantine"]


def _list(item: Check) -> Check:
    def check(value: Any) -> Checked:
        if type(value) is not list:
            raise expected("an array", value)
        good: list[Any] = []
        extras: list[Any] = []
        for index, element in enumerate(value):
            try:
                clean, extra = (None, None) if element is None else item(element)
            except BadValue as bad:
                bad.path.append(f"[{index}]")
                raise
            good.append(clean)
            extras.append(extra)
        return good, extras if any(extra is not None for extra in extras) else None

    return check


def _map(item: Check) -> Check:
    def check(value: Any) -> Checked:
        if type(value) is not dict:
            raise expected("an object", value)
        good: dict[str, Any] = {}
        extras: dict[str, Any] = {}
        for name, element in value.items():
            try:
                good[name], extra = (None, None) if element is None else item(element)
            except BadValue as bad:
                bad.path.append(f".{name}")
                raise
            if extra is not None:
                extras[name] = extra
        return good, extras or None

    return check


def _struct(fields: tuple[Field, ...], required: frozenset[str], policy: Extra) -> Check:
    checks = {field.name: compile_type(field.type, policy) for field in fields}

    def check(value: Any) -> Checked:
        if type(value) is not dict:
            raise expected("an object", value)
        good: dict[str, Any] = {}
        extras: dict[str, Any] = {}
        for name, element in value.items():
            known = checks.get(name)
            try:
                clean, extra = _unknown(element, policy) if known is None else _known(known, element, name in required)
            except BadValue as bad:
                bad.path.append(f".{name}")
                raise
            if clean is not None:
                good[name] = clean
            if extra is not None or (known is None and policy == "keep"):
                extras[name] = extra
        for name in required:
            if name not in value:
                missing = BadValue("required, but missing")
                missing.path.append(f".{name}")
                raise missing
        return good, extras or None

    return check


def _known(check: Check, element: Any, required: bool) -> Checked:
    if element is not None:
        return check(element)
    if required:
        raise BadValue("required, got null")
    return None, None


def _unknown(element: Any, policy: Extra) -> Checked:
    if policy == "quarantine":
        raise BadValue("not in the schema")
    return None, element if policy == "keep" else None


def compile_type(kind: Type, policy: Extra) -> Check:
    """The check of one type; `policy` is what happens to nested fields the type does not name."""
    match kind.kind:
        case "LIST":
            return _list(compile_type(kind.fields[0].type, policy))
        case "MAP":
            return _map(compile_type(kind.fields[0].type, policy))
        case "STRUCT":
            return _struct(kind.fields, frozenset(), policy)
    return compile_scalar(kind)


def compile_record(columns: tuple[Column, ...], policy: Extra) -> Check:
    """The check of a whole record: (the declared fields, the others or None). Without columns a record is taken as it is."""
    if not columns:
        return lambda value: (value, None) if type(value) is dict else _json_object(value)
    fields = tuple(Field(column.name, column.type) for column in columns)
    return _struct(fields, frozenset(column.name for column in columns if column.required), policy)


def _json_object(value: Any) -> Checked:
    raise expected("an object", value)
