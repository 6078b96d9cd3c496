"""Properties to requests and answers to properties, by the shapes botocore has for every call.

A property `kmsMasterKeyId` is the member `KMSMasterKeyID`: names are equal in any case. What a shape does not have by that name is looked
for in the structures within it, nearest first, so `blockPublicAcls` finds `PublicAccessBlockConfiguration.BlockPublicAcls`.
"""

import base64
import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

SIGNATURE = "4dabf18193072939515e22adb298388d"  # what the engine marks assets and archives with
_EVERYWHERE = {
    "arn": "ResourceARN Resource Arn",
    "tags": "Tags TagsToAdd Tagging.TagSet Tagging TagSet TagList",
    "tagKeys": "TagKeys TagsToRemove",
    "metric": "MetricStat",
}


class Names:
    """Where properties stand in shapes. `aliases`: paths, with spaces between several; `outputs` are not looked for in inner structures."""

    def __init__(self, aliases: Mapping[str, str], outputs: Iterable[str] = ()) -> None:
        self._aliases, self._outputs = {**_EVERYWHERE, **aliases}, frozenset(outputs)

    def locate(self, name: str, shape: Any) -> list[list[str]]:
        """The paths of a property in a shape: all of its aliases that are there, else the nearest member of its name."""
        aliased: list[list[str]] = []
        for alias in self._aliases.get(name, "").split():
            path = _path(alias.split("."), shape)
            if path and not any(longer[: len(path)] == path for longer in aliased):
                aliased.append(path)
        return aliased or list(islice(_by_distance(name, shape, depth=1 if name in self._outputs else 3), 1))

    def request(self, properties: Mapping[str, Any], shape: Any) -> dict[str, Any]:
        """What of the properties the shape has a place for."""
        made: dict[str, Any] = {}
        for name, value in properties.items():
            for path in self.locate(name, shape):
                place, member = made, shape
                for step in path[:-1]:
                    place, member = place.setdefault(step, {}), member.members[step]
                place[path[-1]] = self._sent(value, member.members[path[-1]])
        return made

    def _sent(self, value: Any, shape: Any) -> Any:
        if shape.type_name == "structure":
            return self.request(value, shape)
        if shape.type_name == "list":
            return self._sent_list(value, shape.member)
        if shape.type_name == "map":
            return {key: self._sent(each, shape.value) for key, each in value.items()}
        return _scalar(value, shape.type_name)

    def _sent_list(self, value: Any, element: Any) -> list[Any]:
        pair = _pair(element)
        if pair and isinstance(value, dict):
            return [dict(zip(pair, each, strict=True)) for each in value.items()]
        return [self._sent(each, element) for each in (value if isinstance(value, list) else [value])]

    def told(self, name: str, answer: Any, shape: Any, like: Any = None) -> Any:
        """A property out of an answer, in the form of `like`; None when it is not there."""
        for path in self.locate(name, shape):
            value, member = answer, shape
            for step in path:
                value, member = (value or {}).get(step), member.members[step]
            if value is not None:
                return self._read(value, member, like)
        return None

    def _read(self, value: Any, shape: Any, like: Any) -> Any:
        if shape.type_name == "structure" and isinstance(like, str) and "Arn" in value:
            return value["Arn"]
        if shape.type_name == "structure":
            names = like if isinstance(like, dict) else {member[:1].lower() + member[1:]: None for member in shape.members}
            read = {name: self.told(name, value, shape, each) for name, each in names.items()}
            return {name: each for name, each in read.items() if each is not None}
        if shape.type_name == "list":
            return self._read_list(value, shape.member, like)
        if shape.type_name == "map":
            return dict(value)
        return _like(value, like)

    def _read_list(self, value: list[Any], element: Any, like: Any) -> Any:
        pair = _pair(element)
        if pair and not isinstance(like, list):
            return {each[pair[0]]: each[pair[1]] for each in value}
        if isinstance(like, dict):
            return self._read(value[0], element, like) if value else None
        likes = like if like else [None]
        read = [self._read(each, element, likes[min(at, len(likes) - 1)]) for at, each in enumerate(value)]
        return like if _same_set(read, like) else read


def _path(path: list[str], shape: Any) -> list[str] | None:
    found: list[str] = []
    for step in path:
        member = _member(step, shape)
        if member is None:
            return None
        found.append(member)
        shape = shape.members[member]
    return found


def _member(name: str, shape: Any) -> str | None:
    if shape is None or shape.type_name != "structure":
        return None
    members = {member.lower(): member for member in shape.members}
    wanted = name.lower()
    return members.get(wanted) or members.get(f"{wanted}updates") or members.get(f"{wanted}s")


def _by_distance(name: str, shape: Any, depth: int) -> Iterator[list[str]]:
    level: list[tuple[list[str], Any]] = [([], shape)]
    for _ in range(depth):
        yield from ([*path, found] for path, each in level if (found := _member(name, each)))
        level = [
            ([*path, member], inner)
            for path, each in level
            if each is not None and each.type_name == "structure"
            for member, inner in each.members.items()
            if inner.type_name == "structure"
        ]


def _pair(element: Any) -> list[str] | None:
    """The two members of a list that stands for a map: {Key, Value} or {Name, Value}."""
    members = list(element.members) if element.type_name == "structure" else []
    return members if len(members) == 2 and members[0].lower() in ("key", "name") and members[1].lower() == "value" else None


def _scalar(value: Any, kind: str) -> Any:
    if isinstance(value, dict) and SIGNATURE in value:
        return asset_bytes(value)
    if isinstance(value, dict) and kind == "string":
        return urlencode(value)
    if kind in ("integer", "long") and isinstance(value, (int, float, str)) and not isinstance(value, bool):
        return _whole(value)
    if kind == "string" and isinstance(value, (bool, float)):
        return str(value).lower() if isinstance(value, bool) else f"{value:g}"
    return value


def _whole(value: float | str) -> Any:
    """Left as it is where it is no whole number: botocore's validation then says so."""
    try:
        return int(value) if float(value).is_integer() else value
    except ValueError:
        return value


def asset_bytes(asset: Mapping[str, Any]) -> bytes:
    """Of an asset or of an archive that is a file."""
    return str(asset["text"]).encode() if asset.get("text") is not None else Path(asset["path"]).read_bytes()


def _like(value: Any, like: Any) -> Any:
    if isinstance(value, dict):
        value = json.dumps(value)
    if isinstance(value, (dt.datetime, dt.date)):
        value = value.isoformat()
    if isinstance(value, bytes):
        value = base64.b64encode(value).decode()
    return like if isinstance(like, str) and _same_json(value, like) else value


def _same_json(one: Any, other: str) -> bool:
    try:
        return isinstance(one, str) and other[:1] in "{[" and bool(json.loads(one) == json.loads(other))
    except ValueError:
        return False


def _same_set(one: list[Any], other: Any) -> bool:
    return isinstance(other, list) and all(isinstance(each, str) for each in [*one, *other]) and sorted(one) == sorted(other)
