"""A resource's life: the calls that create, read, update and delete one of a kind."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from botocore.validate import ParamValidator

from tests.engine.plugin.cloud import Cloud
from tests.engine.plugin.kind import Kind, Part, Properties
from tests.engine.plugin.shapes import Names

ACCOUNT = "{account}"


@dataclass(frozen=True)
class State:
    """As the cloud has it: its id, and every property the plugin knows."""

    id: str
    properties: Properties


class HalfMadeError(Exception):
    """Created, but not all of it: the engine keeps it and updates it next time."""

    def __init__(self, state: State, reason: str) -> None:
        super().__init__(reason)
        self.state = state


class Resource:
    """The calls of one kind."""

    def __init__(self, kind: Kind, cloud: Cloud) -> None:
        self.kind, self._cloud, self._names = kind, cloud, Names(kind.aliases, kind.computed)

    def faults(self, inputs: Properties) -> list[tuple[str, str]]:
        """What is wrong with inputs that are all known: property and reason."""
        wrong = [(name, "is not in this plugin's description of the type") for name in self._sendable(inputs) if not self._takes(name)]
        shape, _ = self._cloud.shapes(self.kind.client, self.kind.create)
        request = self._names.request(self._sendable({**inputs, **dict.fromkeys(self.kind.defaults, "0")}), shape)
        if "AccountId" in shape.members:
            request["AccountId"] = "0"
        report = ParamValidator().validate(request, shape)
        return [*wrong, *([("", report.generate_report())] if report.has_errors() else [])]

    def create(self, inputs: Properties) -> State:
        """Raises HalfMadeError when it is there but a later call failed."""
        properties = {**self._defaults(), **inputs}
        answer, shape = self._call(self.kind.create, properties)
        properties |= self._computed(answer, shape, properties)
        made = State(self._id(properties), properties)
        try:
            taken = set(self._accepted(self.kind.create, inputs))
            for part in self.kind.parts:
                if not taken.issuperset(part.properties):
                    self._settle(part, {}, properties)
            if "tags" in inputs and "tags" not in taken:
                self._retag({}, {**self._told(made), "tags": inputs["tags"]})
            if self.kind.also:
                self.kind.also(self._cloud, properties)
            return self.read(made) or made
        except Exception as error:
            raise HalfMadeError(self.read(made) or made, str(error)) from error

    def read(self, known: State) -> State | None:
        """Its properties as they are now; None when it is gone. Properties that nobody asked for are not looked at."""
        properties = {**self._defaults(), **self._of_id(known.id), **known.properties}
        told = self._told(State(known.id, properties))
        return State(known.id, told) if told else None

    def update(self, known: State, old: Properties, inputs: Properties) -> State:
        """Only the calls that a changed input needs; what half of a resource lacks is changed too, though it was asked for before."""
        changed = {name for name, value in inputs.items() if known.properties.get(name) != value} | {*old} - {*inputs}
        own = {name for part in self.kind.parts for name in part.properties} | ({"tags"} if self.kind.tags else set())
        gone = {name: empty for name, empty in self.kind.cleared.items() if name in changed and name not in inputs}
        properties = {**self._defaults(), **self._of_id(known.id), **self._outputs(known.properties), **gone, **inputs}
        for call in self.kind.update:
            if self._accepted(call, changed - own):
                self._call(call, properties)
        for part in self.kind.parts:
            if changed.intersection(part.properties):
                self._settle(part, old, properties)
        if "tags" in changed:
            self._retag(old, properties)
        if self.kind.also:
            self.kind.also(self._cloud, properties)
        return self.read(State(known.id, {**self._outputs(known.properties), **inputs})) or State(known.id, properties)

    def delete(self, known: State) -> None:
        """Nothing happens when it is gone already."""
        properties = {**self._defaults(), **self._of_id(known.id), **known.properties}
        if self.kind.empty:
            self.kind.empty(self._cloud, properties)
        if not properties.get("skipDestroy"):
            self._call(self.kind.delete, properties)

    def _told(self, known: State) -> Properties:
        answer, shape = self._call(self.kind.read, known.properties)
        if answer is None:
            return {}
        answer, shape = self._found(answer, shape, known)
        if answer is None:
            return {}
        kept = {*self._of_id(known.id), *self.kind.local, *self.kind.unread, *self.kind.defaults}
        told = {name: value for name, value in known.properties.items() if name in kept}
        asked = {name: value for name, value in known.properties.items() if name not in kept and name not in self.kind.computed}
        told |= self._properties(asked, answer, shape)
        for part in self.kind.parts:
            if part.get:
                held, its_shape = self._call(part.get, known.properties)
                told |= self._properties({name: asked[name] for name in part.properties if name in asked}, held or {}, its_shape)
        told |= self._computed(answer, shape, {**known.properties, **told})
        return told | self._tags(told)

    def _properties(self, asked: Properties, answer: Any, shape: Any) -> Properties:
        read = {name: self._names.told(name, answer, shape, like) for name, like in asked.items() if name != "tags"}
        return {name: value for name, value in read.items() if value is not None}

    def _tags(self, properties: Properties) -> Properties:
        if not self.kind.tags:
            return {}
        held, shape = self._call(self.kind.tags.get, properties)
        tags = self._names.told("tags", held or {}, shape) or {}
        return {**({"tags": tags} if tags else {}), "tagsAll": tags}

    def _retag(self, old: Properties, new: Properties) -> None:
        assert self.kind.tags
        tags = new.get("tags") or {}
        if tags:
            self._call(self.kind.tags.put, {**new, "tags": tags})
        keys = [key for key in old.get("tags") or {} if key not in tags]
        if keys and not (tags and self.kind.tags.put.startswith("put_")):  # a put replaces all of them
            self._call(self.kind.tags.drop, {**new, "tags": None, "tagKeys": keys})

    def _settle(self, part: Part, old: Properties, new: Properties) -> None:
        if any(name in new for name in part.properties):
            self._call(part.put, {**self._defaults(), **old, **new})
        elif any(name in old for name in part.properties):
            self._call(part.drop, {**old, **new})

    def _call(self, call: str, properties: Properties) -> tuple[dict[str, Any] | None, Any]:
        shape, answered = self._cloud.shapes(self.kind.client, call)
        request = self._names.request(self._sendable(properties), shape)
        if "AccountId" in shape.members:
            request["AccountId"] = self._cloud.account
        return self._cloud.ask(self.kind.client, call, request, needed=call in self.kind.calls), answered

    def _found(self, answer: Any, shape: Any, known: State) -> tuple[Any, Any]:
        if not self.kind.found:
            return answer, shape
        element = shape.members[self.kind.found].member
        held = [each for each in answer.get(self.kind.found, []) if self._names.told("name", each, element) == known.properties["name"]]
        return (held[0] if held else None), element

    def _computed(self, answer: Any, shape: Any, properties: Properties) -> Properties:
        known = {**self._places(), **properties, **{key: value for key, value in (answer or {}).items() if isinstance(value, (str, int))}}
        made = {}
        for name, where in self.kind.computed.items():
            told = where.format(**known) if "{" in where else Names({name: where}).told(name, answer or {}, shape)
            if told is not None:
                made[name] = told
        return made

    def _accepted(self, call: str, names: Iterable[str]) -> list[str]:
        shape, _ = self._cloud.shapes(self.kind.client, call)
        return [name for name in names if name in self._sendable(dict.fromkeys(names, 0)) and self._names.locate(name, shape)]

    def _takes(self, name: str) -> bool:
        return any(self._accepted(call, [name]) for call in (*self.kind.calls, self.kind.delete))

    def _sendable(self, properties: Properties) -> Properties:
        return {
            name: value
            for name, value in properties.items()
            if value is not None and name not in self.kind.local and not name.startswith("__") and (name != "region")
        }

    def _outputs(self, properties: Properties) -> Properties:
        return {name: value for name, value in properties.items() if name in self.kind.computed or name in self.kind.defaults}

    def _defaults(self) -> Properties:
        return {name: value.format(**self._places()) for name, value in self.kind.defaults.items()}

    def _places(self) -> Properties:
        return {"account": self._cloud.account, "region": self._cloud.region}

    def _id(self, properties: Properties) -> str:
        return self.kind.id.format(**properties)

    def _of_id(self, id: str) -> Properties:
        names = re.findall(r"{(\w+)}", self.kind.id)
        pattern = re.sub(r"\\{(\w+)\\}", r"(.+?)", re.escape(self.kind.id))
        found = re.fullmatch(pattern, id)
        return dict(zip(names, found.groups(), strict=True)) if found else {}
