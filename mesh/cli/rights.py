"""What the commands about rights share: their arguments, and a right as a line or as JSON."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from mesh.cli.say import data, fail, note, out

if TYPE_CHECKING:
    from rich.table import Table

    from mesh.grants.rights import Right
    from mesh.spec.mesh import Mark, Mesh

Named = TypeVar("Named")
Day = Annotated[str | None, typer.Option("--on", metavar="DATE", help="A day like 2027-04-01, in UTC; else today.")]
_OUTSIDE = re.compile(r"\d{12}|arn:aws[a-z-]*:iam::\d{12}:role/.+", re.ASCII)


class May(StrEnum):
    """What one may do with a tap."""

    WRITE = "write"
    READ = "read"


def asked_day(on: str | None) -> dt.date:
    """The day of --on, or today."""
    if on is None:
        return dt.datetime.now(dt.UTC).date()
    try:
        return dt.date.fromisoformat(on)
    except ValueError:
        fail(f"--on {on[:40]}: not a day", "year, month and day, like 2027-04-01")


def named(name: str, there: Mapping[str, Named], what: str) -> Named:
    """The tap, or whatever, of that name; ends the command when there is none."""
    from mesh.spec.problems import did_you_mean

    if name not in there:
        fail(f"{name[:60]}: no such {what}", did_you_mean(name, there))
    return there[name]


def somebody(who: str, mesh: Mesh) -> None:
    """Ends the command for a name that is nobody's; roles and accounts need not be in the file."""
    if not _OUTSIDE.fullmatch(who):
        named(who, {**mesh.people, **mesh.teams}, "person or team")


def tell(rights: list[Right], of: str, nothing: str, as_json: bool) -> None:
    """Prints rights: a line each, by `of` who (one tap's) or tap (one's own); where there are none, `nothing`."""
    if as_json:
        data(json.dumps([_shown(right) for right in rights]))
    elif rights:
        out.print(_table(rights, of))
    else:
        note(nothing)


def _shown(right: Right) -> dict[str, Any]:
    until = None if right.until is None else right.until.isoformat()
    said = {"action": right.action, "tap": right.tap, "who": right.who, "kind": right.kind, "team": right.team, "until": until}
    return {**said, "lines": [_place(mark) for mark in right.marks]}


def _table(rights: Iterable[Right], of: str) -> Table:
    from rich.table import Table

    drawn = Table("who" if of == "who" else "may", "by", "until", "as it says in", box=None)
    for right in rights:
        first = right.who if of == "who" else f"{right.action} {right.tap}"
        by = right.team and f"team {right.team}"
        drawn.add_row(first, by or right.kind, "" if right.until is None else str(right.until), ", ".join(map(_place, right.marks)))
    return drawn


def _place(mark: Mark) -> str:
    file = mark.file
    return f"{file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file}:{mark.line}"
