"""Options that several commands share, and the environment variables behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mesh.cli.say import data, fail, warn
from mesh.local.workspace import beside
from tap_runtime.settings import environment

if TYPE_CHECKING:
    from mesh.grants.keys import Keyring
    from mesh.lake.place import Place
    from mesh.plan import Stack
    from mesh.spec.mesh import Mesh
    from mesh.spec.problems import Problem
    from tap_runtime.settings import VerifyKey

File = Annotated[Path, typer.Option("--file", "-f", readable=False, help="The mesh's file.", metavar="PATH")]
Lake = Annotated[
    str | None,
    typer.Option("--lake", help="A folder or s3://bucket; else TAPMESH_LAKE, else .mesh/lake beside the file.", metavar="LAKE"),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.", metavar="")]
TAPS_YAML = Path("taps.yaml")


@dataclass
class State:
    """What the options before the command said."""

    debug: bool = False


state = State()
_HERE = "run tapmesh in the folder with taps.yaml, name it with --file, or make one with tapmesh init"


def existing(file: Path, hint: str = _HERE) -> Path:
    """The file, which can be read, or an error that says how to name it."""
    if file.is_dir():
        within = f" in it: --file {file / TAPS_YAML}" if (file / TAPS_YAML).is_file() else ": --file PATH"
        fail(f"{file} is a folder", f"name the file{within}")
    if not file.is_file():
        fail(f"{file}: no such file", hint)
    file.open().close()
    return file


def loaded(file: Path, tell: Callable[[str], None] = data) -> Mesh:
    """The mesh of the file; its problems, which are data where `tell` does not say otherwise, end the command."""
    from mesh.spec import load

    checked = load(existing(file))
    for warning in lines(checked.warnings):
        warn(warning)
    if checked.mesh is None:
        found = lines(checked.problems)
        files = sorted({str(problem.file(Path.cwd())) for problem in checked.problems})
        for line in found:
            tell(line)
        fail(
            f"{', '.join(files)} {'has' if len(files) == 1 else 'have'} {len(found)} problem{'s' if len(found) > 1 else ''}",
            "each line above says where and what; tapmesh schema lets an editor say so while you type",
        )
    return checked.mesh


def lines(problems: Iterable[Problem]) -> list[str]:
    """A line a problem, with files as seen from here."""
    return [problem.line(Path.cwd()) for problem in problems]


def place(lake: str | None, file: Path) -> Place:
    """The lake a command reads."""
    from mesh.lake.place import Place

    named = lake or environment("TAPMESH_LAKE")
    if named is None and not beside(file).lake.exists():
        existing(file, "name a lake with --lake, run tapmesh in the folder with taps.yaml, or make a mesh with tapmesh init")
    return Place(named or str(beside(file).lake))


def laptop_keys(file: Path) -> Keyring:
    """The laptop mesh's keys, made when there are none; ends the command when they are no keys."""
    from mesh.grants.keys import BadKeys, laptop_keyring

    try:
        return laptop_keyring(beside(file).keys)
    except BadKeys as bad:
        fail(str(bad), code=1)


def named_stack(name: str, keys: tuple[VerifyKey, ...] = ()) -> Stack:
    """The stack of that name; ends the command when none can be named so."""
    from mesh.plan import BadStack, Stack

    try:
        return Stack(name, keys)
    except BadStack as bad:
        fail(str(bad))
