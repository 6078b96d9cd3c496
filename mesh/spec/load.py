"""Reads `taps.yaml` and its includes, checks the whole, and hands out a frozen `Mesh`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mesh.spec.language import TapKeys, Top
from mesh.spec.mesh import Mesh, Source, Tap
from mesh.spec.names import check_team
from mesh.spec.nodes import At, Tree
from mesh.spec.parts import INCLUDED, Parts
from mesh.spec.people import people, teams, without_use
from mesh.spec.problems import Problem, in_order
from mesh.spec.sources import check_into, make_sources
from mesh.spec.taps import Known, draft_tap, make_taps
from mesh.spec.validate import FAULTY, cleaned, validate

_MOST_RESERVED = 1000 - 100  # an account's limit by default, less what must stay free
_LONGEST_BUCKET = 63 - len("-") - 15  # the stack's name goes behind it


@dataclass(frozen=True)
class Checked:
    """What a file came to: a mesh when nothing is wrong, else its problems; warnings either way. `files`: what was read for it."""

    mesh: Mesh | None
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    files: tuple[Path, ...]


def load(path: Path) -> Checked:
    """Everything there is to say about the file; never raises for what is in it."""
    parts = Parts()
    tree = parts.read(path.resolve())
    if not isinstance(tree.value, dict):
        return Checked(None, in_order(tree.problems), (), tuple(parts.files))
    top = validate(Top, {key: value for key, value in tree.value.items() if key not in (*INCLUDED, "sources")}, tree, ())
    for index, pattern in enumerate(top.include if top is not None else ()):
        parts.include(index, pattern)
    known = Known(people(parts), teams(parts))
    taps = _taps(parts, known)
    sources = make_sources(tree, parts.members["taps"], taps)
    _check_reserved(tree, taps, len(sources))
    if top is not None:
        _check_top(top, tree, parts, known)
    problems = in_order(problem for each in parts.trees for problem in each.problems)
    warnings = in_order(known.warnings)
    files = tuple(dict.fromkeys([*parts.files, *known.files]))
    if problems or top is None:
        return Checked(None, problems, warnings, files)
    return Checked(_mesh(top, known, taps, sources, files), (), warnings, files)


def _taps(parts: Parts, known: Known) -> dict[str, Tap]:
    tree = parts.trees[0]
    defaults = _defaults(tree, known)
    found = [(value, At(where, ("taps", name), tree)) for name, (where, value) in parts.members["taps"].items()]
    return make_taps([draft for value, at in found if (draft := draft_tap(value, defaults, at, known)) is not None], known)


def _check_reserved(tree: Tree, taps: Mapping[str, Tap], sources: int) -> None:
    """A source's function runs once at a time, which is reserved too."""
    reserved = sum(tap.concurrency or 0 for tap in taps.values()) + sources
    if reserved > _MOST_RESERVED:
        who = f"the taps{' and sources' if sources else ''} reserve {reserved} in all"
        text = f"{who}; an account has 1000 by default and 100 must stay free: at most {_MOST_RESERVED}"
        tree.say(("taps",), f"concurrency: {text}")


def _defaults(tree: Tree, known: Known) -> dict[str, Any]:
    defaults = tree.value.get("defaults")
    if not isinstance(defaults, dict):
        return {}
    if "grants" in defaults:
        tree.say(("defaults", "grants"), "cannot be a default; write it at each tap")
    own = {"team": FAULTY, **{key: value for key, value in defaults.items() if key != "grants"}}
    good: dict[str, Any] = cleaned(TapKeys, own, tree, ("defaults",))[1]
    if "team" not in defaults:
        del good["team"]
    elif not check_team(good["team"], At(tree, ("defaults",), tree), known.people, known.teams):
        good["team"] = FAULTY  # said once here, not again at each tap
    return good


def _check_top(top: Top, tree: Tree, parts: Parts, known: Known) -> None:
    """What the mesh's own keys say of one another and of people and taps."""
    if len(top.lake.bucket or "") > _LONGEST_BUCKET and not top.lake.adopt:
        text = f"at most {_LONGEST_BUCKET} characters, as the stack's name goes behind it; adopt: true uses a bucket as it is named"
        tree.say(("lake", "bucket"), text)
    if top.boilingdata is None:
        known.warnings += without_use(known.people)
    if top.telemetry is not None:
        check_into(top.telemetry.into, ("telemetry", "into"), tree, parts.members["taps"])


def _mesh(top: Top, known: Known, taps: Mapping[str, Tap], sources: Mapping[str, Source], files: tuple[Path, ...]) -> Mesh:
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
        sources=sources,
        files=files,
    )
