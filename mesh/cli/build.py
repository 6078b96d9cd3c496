"""`tapmesh build`: the zips a mesh runs from on Lambda."""

from __future__ import annotations

import dataclasses
import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mesh.cli.options import Json
from mesh.cli.say import data, err, fail, note

if TYPE_CHECKING:
    from mesh.package.artefact import Artefact

NAME = "build"
EXAMPLES = {
    "tapmesh build": "both layers and the runtime into .mesh/build",
    "tapmesh build --arch arm64 --json": "of one architecture, for a script",
}


class Arches(StrEnum):
    """Whose layer is built."""

    ARM64 = "arm64"
    X86_64 = "x86_64"
    BOTH = "both"


def run(
    arch: Annotated[Arches, typer.Option("--arch", help="arm64, x86_64 or both.")] = Arches.BOTH,
    out: Annotated[Path, typer.Option("--out", file_okay=False, help="Where the zips go.")] = Path(".mesh/build"),
    as_json: Json = False,
) -> None:
    """Build the zips that Lambda runs, the runtime and its layers; pulumi up does it by itself. The same bytes on every machine."""
    from mesh.package.artefact import summary
    from mesh.package.build import build
    from mesh.package.wheels import MACHINES, BuildFailed

    out.mkdir(parents=True, exist_ok=True)
    try:
        with err.status("building") as status:
            say = status.update if err.is_terminal else note
            built = {each: build(each, out, say) for each in MACHINES if arch in (each, Arches.BOTH)}
    except BuildFailed as failed:
        fail(str(failed), failed.hint, code=1)
    any_of_them = next(iter(built.values()))
    of_both = {"runtime": any_of_them.runtime, "source": any_of_them.source, "lander": any_of_them.lander}
    if as_json:
        facts = {name: _facts(artefact) for name, artefact in of_both.items()}
        data(json.dumps({**facts, "layers": {each: _facts(of.layer) for each, of in built.items()}}))
        return
    for artefact in (*of_both.values(), *(of.layer for of in built.values())):
        data(summary(artefact))


def _facts(artefact: Artefact) -> dict[str, Any]:
    from mesh.package.artefact import largest

    return {**dataclasses.asdict(artefact), "path": str(artefact.path), "largest": dict(largest(artefact))}
