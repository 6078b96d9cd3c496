"""What the engine asks before it does anything: are these inputs right, what are they called, and what differs from before."""

import hashlib
import re
import secrets
from collections.abc import Iterator
from typing import Any

from tests.engine.plugin.kind import Kind, Properties
from tests.engine.plugin.shapes import SIGNATURE

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"  # what the engine writes for a value that only an update will tell
DEFAULTS = "__defaults"


def named(kind: Kind, logical: str, old: Properties, new: Properties, seed: bytes, proposed: str | None) -> Properties:
    """The inputs with the name nobody gave: the old one if it was ours too, else the logical name and seven digits."""
    inputs = {name: value for name, value in new.items() if value is not None}
    if not kind.autoname or kind.autoname[0] in inputs or f"{kind.autoname[0]}Prefix" in inputs:
        return {**inputs, DEFAULTS: []}
    name, longest = kind.autoname
    kept = old.get(name) if name in old.get(DEFAULTS, []) else None
    return {**inputs, name: kept or proposed or _unique(kind, logical, longest, seed), DEFAULTS: [name]}


def _unique(kind: Kind, logical: str, longest: int, seed: bytes) -> str:
    if not longest:  # the key of an object is its logical name
        return logical
    digits = (hashlib.sha256(seed).hexdigest() if seed else secrets.token_hex(4))[:7]
    name = f"{logical[: longest - 8]}-{digits}"
    return re.sub(r"[^a-z0-9.-]", "-", name.lower()) if kind.client in ("s3", "s3control") else name


def unknown(value: Any) -> bool:
    """Whether anything in it is not known yet."""
    if isinstance(value, dict):
        return any(map(unknown, value.values()))
    return any(map(unknown, value)) if isinstance(value, list) else value == UNKNOWN


def differences(old: Properties, new: Properties) -> dict[str, str]:
    """Path of each property that differs to add, delete or update."""
    return dict(_differences("", old, new))


def _differences(at: str, old: Any, new: Any) -> Iterator[tuple[str, str]]:
    if old is None or new is None:
        if old is not new:
            yield at, "add" if old is None else "delete"
    elif isinstance(old, dict) and isinstance(new, dict) and SIGNATURE not in new:
        for name in sorted({*old, *new} - {DEFAULTS}):
            yield from _differences(_step(at, name), old.get(name), new.get(name))
    elif isinstance(old, list) and isinstance(new, list):
        for number in range(max(len(old), len(new))):
            yield from _differences(f"{at}[{number}]", _nth(old, number), _nth(new, number))
    elif _content(old) != _content(new):
        yield at, "update"


def _step(at: str, name: str) -> str:
    plain = re.fullmatch(r"\w+", name)
    return f"{at}.{name}".lstrip(".") if plain else f'{at}["{name}"]'


def _nth(values: list[Any], number: int) -> Any:
    return values[number] if number < len(values) else None


def _content(value: Any) -> Any:
    return value.get("hash") if isinstance(value, dict) and SIGNATURE in value else value


def delete_first(kind: Kind, new: Properties) -> bool:
    """A name the program gave itself is taken until its old resource is gone."""
    return bool(kind.autoname) and kind.autoname[0] in new and kind.autoname[0] not in new.get(DEFAULTS, [])
