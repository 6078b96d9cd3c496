"""`tapmesh check`: everything that is wrong with the file, and nothing else happens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mesh.cli.options import TAPS_YAML, File, Json, existing, loaded
from mesh.cli.say import data, note

if TYPE_CHECKING:
    from mesh.spec import Problem

NAME = "check"
EXAMPLES = {"tapmesh check": "taps.yaml in this folder, its includes and every tap's SQL", "tapmesh check --json": "the same for a script"}


def run(file: File = TAPS_YAML, as_json: Json = False) -> None:
    """Check taps.yaml and every tap's SQL; print all problems at once."""
    if as_json:
        _json(file)
        return
    mesh = loaded(file)
    note(f"{mesh.name}: no problems; taps: {len(mesh.taps)}, teams: {len(mesh.teams)}, people: {len(mesh.people)}")


def _json(file: File) -> None:
    from mesh.spec import load

    checked = load(existing(file))
    problems, warnings = map(_shown, checked.problems), map(_shown, checked.warnings)
    data(json.dumps({"ok": checked.mesh is not None, "problems": [*problems], "warnings": [*warnings]}))
    if checked.mesh is None:
        raise SystemExit(2)


def _shown(problem: Problem) -> dict[str, str | int]:
    mark = problem.mark
    return {"file": str(mark.file), "line": mark.line, "column": mark.column, "path": problem.path, "text": problem.text}
