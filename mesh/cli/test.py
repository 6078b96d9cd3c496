"""`tapmesh test`: the teams' SQL against their cases."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from mesh.cli.names import complete_taps
from mesh.cli.options import TAPS_YAML, File, Json, loaded
from mesh.cli.rights import named
from mesh.cli.say import data, fail, note

NAME = "test"
EXAMPLES = {"tapmesh test": "all cases beside taps.yaml", "tapmesh test clicks": "those of one tap"}


def run(
    tap: Annotated[str | None, typer.Argument(metavar="TAP", help="The tap; else all.", autocompletion=complete_taps)] = None,
    file: File = TAPS_YAML,
    as_json: Json = False,
) -> None:
    """Run the cases of taps: cases/TAP/NAME.yaml says what comes in, and which rows the tap's SQL must make of it."""
    from mesh.cases import BadCase, faults, read_cases
    from mesh.plan import Stack, expand

    mesh = loaded(file)
    settings = {plan.name: plan.settings for plan in expand(mesh, Stack("test")).taps}
    if tap is not None:
        named(tap, settings, "tap")
    try:
        cases = [case for case in read_cases(file.absolute().parent) if tap in (None, case.tap)]
    except BadCase as bad:
        fail(str(bad))
    failed = 0
    for case in cases:
        with tempfile.TemporaryDirectory(prefix="tapmesh-case-") as folder:
            known = case.tap in settings
            found = [*faults(case, settings[case.tap], Path(folder))] if known else ["taps.yaml has no such tap"]
        failed += bool(found)
        shown = "\n".join([f"{'failed' if found else 'ok':7}{case.tap}/{case.name}", *(f"       {fault}" for fault in found)])
        data(json.dumps({"tap": case.tap, "case": case.name, "faults": found}) if as_json else shown)
    if failed:
        fail(f"{failed} of {len(cases)} cases failed", code=1)
    note(f"{len(cases)} case{'' if len(cases) == 1 else 's'} passed")
    without = sorted(set(settings) - {case.tap for case in cases})
    if tap is None and without:
        note(f"no case yet for {', '.join(without)}")
