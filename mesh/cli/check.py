"""`tapmesh check`: everything that is wrong with the file, and nothing else happens."""

import json

from mesh.cli.options import TAPS_YAML, File, Json, existing
from mesh.cli.say import data, note, warn
from mesh.spec import load

NAME = "check"


def run(file: File = TAPS_YAML, as_json: Json = False) -> None:
    """Check taps.yaml and every tap's SQL; print all problems at once. Example: tapmesh check --file taps.yaml"""
    checked = load(existing(file))
    root = file.resolve().parent
    if as_json:
        lists = {"problems": checked.problems, "warnings": checked.warnings}
        shown = {name: [{"path": p.path, "text": p.text, "line": p.line(root)} for p in found] for name, found in lists.items()}
        data(json.dumps({"ok": checked.mesh is not None, **shown}))
    else:
        for warning in checked.warnings:
            warn(warning.line(root))
        for problem in checked.problems:
            data(problem.line(root))
        if checked.mesh is not None:
            mesh = checked.mesh
            note(f"{mesh.name}: {len(mesh.taps)} taps, {len(mesh.teams)} teams, {len(mesh.people)} people; no problems")
    if checked.mesh is None:
        raise SystemExit(2)
