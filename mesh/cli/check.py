"""`tapmesh check`: everything that is wrong with the file, and nothing else happens."""

import json

from mesh.cli.options import TAPS_YAML, File, Json, existing, lines, loaded
from mesh.cli.say import data, note

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
    lists = {"problems": checked.problems, "warnings": checked.warnings}
    shown = {
        name: [{"path": p.path, "text": p.text, "line": line} for p, line in zip(found, lines(found), strict=True)]
        for name, found in lists.items()
    }
    data(json.dumps({"ok": checked.mesh is not None, **shown}))
    if checked.mesh is None:
        raise SystemExit(2)
