"""Who may do what with a tap, and the lines of taps.yaml that say so: the one reading of grants that settings, CLI and queries share."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mesh.spec.mesh import Grant, Mark, Mesh, ReadGrant, Tap

Action = Literal["write", "read"]
ACTIONS: tuple[Action, ...] = ("write", "read")
ANYONE = "anyone"


@dataclass(frozen=True)
class Right:
    """`who`: a person, a role's ARN, an account's id, anyone, or a source with `source:` before its name. `team`: by which they have it.
    `until`: its last day, in UTC.

    `marks`: what says so, the tap's line first; without any of them the right is gone.
    """

    action: Action
    tap: str
    who: str
    kind: Literal["person", "source", "role", "account", "anyone"]
    team: str | None
    until: dt.date | None
    marks: tuple[Mark, ...]

    def holds(self, day: dt.date) -> bool:
        """Whether it has not ended by then."""
        return self.until is None or day <= self.until


def rights(mesh: Mesh, tap: Tap, action: Action) -> tuple[Right, ...]:
    """All rights to a tap, ended ones too, by name; of several of one person the longest comes first."""
    found = _writing(mesh, tap) if action == "write" else _reading(mesh, tap)
    return tuple(sorted(found, key=lambda right: (right.who, -(right.until or dt.date.max).toordinal())))


def held(mesh: Mesh, action: Action, subject: str, day: dt.date) -> tuple[Right, ...]:
    """What a person, team, role or account may do that day, tap by tap."""
    found = (right for tap in mesh.taps.values() for right in rights(mesh, tap, action))
    return tuple(right for right in found if right.holds(day) and _covers(right, subject))


def _covers(right: Right, subject: str) -> bool:
    """An account's right is its roles' too: which of them have it is for that account to say."""
    of_account = right.kind == "account" and f"::{right.who}:role/" in subject
    return right.kind == "anyone" or subject in (right.who, right.team) or of_account


def _writing(mesh: Mesh, tap: Tap) -> Iterator[Right]:
    """A closed tap has no URL and takes nothing; a public one takes from everybody and asks no name."""
    if tap.closed:
        return
    if tap.public:
        yield Right("write", tap.name, ANYONE, "anyone", None, None, (tap.public_mark,))
        return
    yield from _given(mesh, tap, "write", Grant(tap.team, None, tap.team_mark))
    for grant in tap.write:
        yield from _given(mesh, tap, "write", grant)
    for source in mesh.sources.values():
        if source.into == tap.name:
            yield Right("write", tap.name, f"source:{source.name}", "source", None, None, (source.mark,))


def _reading(mesh: Mesh, tap: Tap) -> Iterator[Right]:
    yield from _given(mesh, tap, "read", Grant(tap.team, None, tap.team_mark))
    for grant in tap.read:
        if grant.kind == "to":
            yield from _given(mesh, tap, "read", grant)
        else:
            yield Right("read", tap.name, grant.to, grant.kind, None, None, (grant.mark,))


def _given(mesh: Mesh, tap: Tap, action: Action, grant: Grant | ReadGrant) -> Iterator[Right]:
    """A grant taken apart into people."""
    until = grant.until if isinstance(grant, Grant) else None
    if grant.to in mesh.people:
        yield Right(action, tap.name, grant.to, "person", None, until, (grant.mark,))
    for person, mark in mesh.teams.get(grant.to, {}).items():
        yield Right(action, tap.name, person, "person", grant.to, until, (grant.mark, mark))
