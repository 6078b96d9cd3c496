"""Reads `taps.yaml` and its includes, checks the whole, and hands out a frozen `Mesh`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mesh.spec.compose import read_tree
from mesh.spec.language import PersonKeys, TapKeys, Top
from mesh.spec.mesh import Mark, Mesh, Person, Tap
from mesh.spec.names import check_team
from mesh.spec.nodes import At, Path_, Tree
from mesh.spec.problems import Problem, did_you_mean, in_order
from mesh.spec.taps import Known, draft_tap, make_taps
from mesh.spec.validate import FAULTY, STAND_IN_EMAIL, cleaned, validate

NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")
_INCLUDED = ("people", "teams", "taps")
ACCOUNT_LIMIT, ALWAYS_FREE = 1000, 100
_LONGEST_BUCKET = 63 - len("-") - 15  # the stack's name goes behind it


@dataclass(frozen=True)
class Checked:
    """What a file came to: a mesh when nothing is wrong, else its problems; warnings either way."""

    mesh: Mesh | None
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


@dataclass
class _Parts:
    """People, teams and taps of all files, each with the tree it stands in."""

    trees: list[Tree] = field(default_factory=list)
    members: dict[str, dict[str, tuple[Tree, Any]]] = field(default_factory=lambda: {kind: {} for kind in _INCLUDED})
    files: list[Path] = field(default_factory=list)


def load(path: Path) -> Checked:
    """Everything there is to say about the file; never raises for what is in it."""
    path = path.resolve()
    tree = read_tree(path)
    parts = _Parts([tree], files=[path])
    if not isinstance(tree.value, dict):
        return Checked(None, in_order(tree.problems), ())
    top = validate(Top, {key: value for key, value in tree.value.items() if key not in _INCLUDED}, tree, ())
    _gather(parts, tree)
    for index, pattern in enumerate(top.include if top is not None else ()):
        _include(parts, tree, index, pattern)
    known = Known(_people(parts), _teams(parts))
    defaults = _defaults(tree, known)
    found = [(value, At(where, ("taps", name), tree)) for name, (where, value) in parts.members["taps"].items()]
    drafts = [draft for value, at in found if (draft := draft_tap(value, defaults, at, known)) is not None]
    taps = make_taps(drafts, known)
    _check_concurrency(tree, taps)
    if top is not None and len(top.lake.bucket or "") > _LONGEST_BUCKET and not top.lake.adopt:
        text = f"at most {_LONGEST_BUCKET} characters, as the stack's name goes behind it; adopt: true uses a bucket as it is named"
        tree.say(tree.mark(("lake", "bucket")), ("lake", "bucket"), text)
    if top is not None and top.boilingdata is None:
        known.warnings += [_unused(person) for person in known.people.values() if person.boilingdata is not None]
    if top is not None and top.telemetry is not None:
        _check_telemetry(top.telemetry.into, tree, parts)
    problems = in_order(problem for each in parts.trees for problem in each.problems)
    warnings = in_order(known.warnings)
    if problems or top is None:
        return Checked(None, problems, warnings)
    return Checked(_mesh(top, known, taps, tuple(dict.fromkeys([*parts.files, *known.files]))), (), warnings)


def _mesh(top: Top, known: Known, taps: Mapping[str, Tap], files: tuple[Path, ...]) -> Mesh:
    return Mesh(
        name=top.mesh,
        bucket=top.lake.bucket,
        adopt_bucket=top.lake.adopt,
        people=known.people,
        teams=known.teams,
        taps=taps,
        longest_token_s=top.tokens.longest,
        boilingdata_owner=None if top.boilingdata is None else top.boilingdata.owner,
        telemetry=None if top.telemetry is None else top.telemetry.into,
        files=files,
    )


def _gather(parts: _Parts, tree: Tree) -> None:
    for kind in _INCLUDED:
        found = tree.value.get(kind)
        if found is None:
            continue
        if not isinstance(found, dict):
            tree.say(tree.mark((kind,)), (kind,), "expected names with keys and values below them")
            continue
        for name, value in found.items():
            other = parts.members[kind].get(name)
            if other is not None:
                tree.say(
                    tree.mark((kind, name)),
                    (kind, name),
                    f"stands twice; first in {_seen_from(parts, other[0])} line {other[0].mark((kind, name)).line}",
                )
                continue
            if not NAME.fullmatch(name):
                tree.say(tree.mark((kind, name)), (kind, name), "a name is a-z, then a-z, 0-9 and _, at most 30 characters")
            parts.members[kind][name] = (tree, value)


def _seen_from(parts: _Parts, tree: Tree) -> Path:
    return tree.file.relative_to(parts.files[0].parent)


def _include(parts: _Parts, top: Tree, index: int, pattern: str) -> None:
    where: Path_ = ("include", index)
    if pattern == FAULTY:
        return None
    if pattern.startswith("/") or ".." in Path(pattern).parts:
        return top.say(top.mark(where), where, f"{pattern}: expected a pattern below this file's folder, without ..")
    try:
        files = sorted(file for file in top.file.parent.glob(pattern) if file.is_file())
    except (ValueError, NotImplementedError, OSError) as error:
        return top.say(top.mark(where), where, f"{pattern or 'an empty text'} is not a pattern: {error}")
    if not files:
        return top.say(top.mark(where), where, f"{pattern}: no such file; a pattern names files, like teams/*/taps.yaml")
    for file in files:
        if file not in parts.files:
            _included(parts, file)
    return None


def _included(parts: _Parts, file: Path) -> None:
    tree = read_tree(file)
    parts.trees.append(tree)
    parts.files.append(file)
    if isinstance(tree.value, dict):
        for key in tree.value:
            if key not in _INCLUDED:
                tree.say(tree.mark((key,)), (key,), f"not in an included file, which has {', '.join(_INCLUDED)} only")
        _gather(parts, tree)


def _people(parts: _Parts) -> dict[str, Person]:
    people: dict[str, Person] = {}
    for name, (tree, value) in parts.members["people"].items():
        keys = validate(PersonKeys, value, tree, ("people", name))
        if keys is not None:
            _check_alone(keys, people, tree, ("people", name))
            people[name] = Person(name, keys.email, keys.boilingdata, tree.mark(("people", name)))
        if name in parts.members["teams"]:
            tree.say(tree.mark(("people", name)), ("people", name), "is a team's name too; people and teams share one namespace")
    return people


def _unused(person: Person) -> Problem:
    text = "no boilingdata.owner says whose tap tokens this mesh takes, so this name does nothing"
    return Problem(person.mark, f"people.{person.name}.boilingdata", text)


def _check_alone(keys: PersonKeys, others: Mapping[str, Person], tree: Tree, path: Path_) -> None:
    """BoilingData's tokens name people by e-mail address or user name, so each is one person's."""
    for other in others.values():
        if other.email.lower() == keys.email.lower() != STAND_IN_EMAIL:
            tree.say(tree.mark((*path, "email")), (*path, "email"), f"{keys.email} is {other.name}'s address already; a person stands once")
        if keys.boilingdata is not None and other.boilingdata == keys.boilingdata:
            text = f"{keys.boilingdata} is {other.name}'s user name already; a person stands once"
            tree.say(tree.mark((*path, "boilingdata")), (*path, "boilingdata"), text)


def _teams(parts: _Parts) -> dict[str, dict[str, Mark]]:
    teams: dict[str, dict[str, Mark]] = {}
    people = parts.members["people"]
    for name, (tree, value) in parts.members["teams"].items():
        path: Path_ = ("teams", name)
        if not isinstance(value, list):
            tree.say(tree.mark(path), path, "expected a list of people, like [lead]")
            teams[name] = {}
            continue
        for index, member in enumerate(value):
            if not isinstance(member, str):
                tree.say(tree.mark((*path, index)), (*path, index), "expected a person's name")
            elif member not in people:
                hint = (
                    "is a team; a team has people only"
                    if member in parts.members["teams"]
                    else f"is not in people; {did_you_mean(member, people)}"
                )
                tree.say(tree.mark((*path, index)), (*path, index), f"{member} {hint}")
            elif member in value[:index]:
                tree.say(tree.mark((*path, index)), (*path, index), f"{member} stands twice")
        teams[name] = {member: tree.mark((*path, index)) for index, member in enumerate(value) if isinstance(member, str)}
    return teams


def _defaults(tree: Tree, known: Known) -> dict[str, Any]:
    defaults = tree.value.get("defaults")
    if not isinstance(defaults, dict):
        return {}
    if "grants" in defaults:
        tree.say(tree.mark(("defaults", "grants")), ("defaults", "grants"), "cannot be a default; write it at each tap")
    own = {"team": FAULTY, **{key: value for key, value in defaults.items() if key != "grants"}}
    good: dict[str, Any] = cleaned(TapKeys, own, tree, ("defaults",))[1]
    if "team" not in defaults:
        del good["team"]
    elif not check_team(good["team"], At(tree, ("defaults",), tree), known.people, known.teams):
        good["team"] = FAULTY  # said once here, not again at each tap
    return good


def _check_telemetry(tap: str, tree: Tree, parts: _Parts) -> None:
    where: Path_ = ("telemetry", "into")
    _, found = parts.members["taps"].get(tap, (None, None))
    if tap not in parts.members["taps"]:
        tree.say(tree.mark(where), where, f"{tap} is not in taps; {did_you_mean(tap, parts.members['taps'])}")
    elif isinstance(found, dict) and found.get("closed") is True:
        tree.say(tree.mark(where), where, f"{tap} is closed, so it has no URL to send to")


def _check_concurrency(tree: Tree, taps: Mapping[str, Tap]) -> None:
    total = sum(tap.concurrency or 0 for tap in taps.values())
    if total > ACCOUNT_LIMIT - ALWAYS_FREE:
        text = f"the taps reserve {total} in all; an account has {ACCOUNT_LIMIT} by default and {ALWAYS_FREE} must stay free: at most 900"
        tree.say(tree.mark(("taps",)), ("taps",), f"concurrency: {text}")
