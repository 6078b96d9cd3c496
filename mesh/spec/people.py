"""The people and teams of all files, who stands twice, and who is named but nowhere to be found."""

from collections.abc import Mapping
from typing import Any

from mesh.spec.language import PersonKeys
from mesh.spec.mesh import Mark, Person
from mesh.spec.nodes import Path_, Tree
from mesh.spec.parts import Parts
from mesh.spec.problems import Problem, did_you_mean
from mesh.spec.validate import STAND_IN_EMAIL, validate


def people(parts: Parts) -> dict[str, Person]:
    """Everybody, by name."""
    found: dict[str, Person] = {}
    for name, (tree, value) in parts.members["people"].items():
        keys = validate(PersonKeys, value, tree, ("people", name))
        if keys is not None:
            _check_alone(keys, found, tree, ("people", name))
            found[name] = Person(name, keys.email, keys.boilingdata, tree.mark(("people", name)))
        if name in parts.members["teams"]:
            tree.say(("people", name), "is a team's name too; people and teams share one namespace")
    return found


def _check_alone(keys: PersonKeys, others: Mapping[str, Person], tree: Tree, path: Path_) -> None:
    """BoilingData's tokens name people by e-mail address or user name, so each is one person's."""
    for other in others.values():
        if other.email.lower() == keys.email.lower() != STAND_IN_EMAIL:
            tree.say((*path, "email"), f"{keys.email} is {other.name}'s address already; a person stands once")
        if keys.boilingdata is not None and other.boilingdata == keys.boilingdata:
            tree.say((*path, "boilingdata"), f"{keys.boilingdata} is {other.name}'s user name already; a person stands once")


def without_use(everybody: Mapping[str, Person]) -> list[Problem]:
    """Warnings of BoilingData user names in a mesh that takes no such tokens."""
    text = "no boilingdata.owner says whose tap tokens this mesh takes, so this name does nothing"
    named = (person for person in everybody.values() if person.boilingdata is not None)
    return [Problem(person.mark, f"people.{person.name}.boilingdata", text) for person in named]


def teams(parts: Parts) -> dict[str, dict[str, Mark]]:
    """Each team's members, with where they stand."""
    found: dict[str, dict[str, Mark]] = {}
    for name, (tree, value) in parts.members["teams"].items():
        path: Path_ = ("teams", name)
        if not isinstance(value, list):
            tree.say(path, "expected a list of people, like [lead]")
            found[name] = {}
            continue
        for index, member in enumerate(value):
            fault = _fault(member, value[:index], parts)
            if fault is not None:
                tree.say((*path, index), fault)
        found[name] = {member: tree.mark((*path, index)) for index, member in enumerate(value) if isinstance(member, str)}
    return found


def _fault(member: Any, before: list[Any], parts: Parts) -> str | None:
    if not isinstance(member, str):
        return "expected a person's name"
    if member in parts.members["people"]:
        return f"{member} stands twice" if member in before else None
    if member in parts.members["teams"]:
        return f"{member} is a team; a team has people only"
    return f"{member} is not in people; {did_you_mean(member, parts.members['people'])}"
