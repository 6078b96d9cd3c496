"""Options that several commands share, and the environment variables behind them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from mesh.cli.say import data, fail, warn
from mesh.lake.place import Place
from mesh.local.workspace import beside
from mesh.spec import load
from mesh.spec.mesh import Mesh
from tap_runtime.settings import environment

File = Annotated[Path, typer.Option("--file", "-f", help="The mesh's file.")]
Lake = Annotated[str | None, typer.Option("--lake", help="A folder or s3://bucket; else TAPMESH_LAKE, else .mesh/lake beside the file.")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
TAPS_YAML = Path("taps.yaml")


@dataclass
class State:
    """What the options before the command said."""

    debug: bool = False


state = State()


def existing(file: Path) -> Path:
    """The file, or an error that says how to name it."""
    if not file.is_file():
        fail(f"{file}: no such file", "run tapmesh in the folder with taps.yaml, or name it with --file")
    return file


def loaded(file: Path) -> Mesh:
    """The mesh of the file; its problems end the command."""
    checked = load(existing(file))
    root = file.resolve().parent
    for warning in checked.warnings:
        warn(warning.line(root))
    if checked.mesh is None:
        for problem in checked.problems:
            data(problem.line(root))
        count = len(checked.problems)
        fail(f"{file} has {count} problem{'s' if count > 1 else ''}; nothing was changed")
    return checked.mesh


def place(lake: str | None, file: Path) -> Place:
    """The lake a command reads."""
    return Place(lake or environment("TAPMESH_LAKE") or str(beside(file).lake))
