"""`tapmesh land`: lands what is open of a tap whose block is gone from `taps.yaml`."""

import dataclasses
import json
import tempfile
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from mesh.cli.options import TAPS_YAML, File, Json, Lake, place
from mesh.cli.say import data, fail

NAME = "land"
EXAMPLES = {
    "tapmesh land --tap clicks": "after its block was deleted; by your own AWS credentials where TAPMESH_LAKE is s3://…",
}


def run(
    tap: Annotated[str, typer.Option("--tap", metavar="TAP", help="The tap; it need not be in taps.yaml any more.")],
    file: File = TAPS_YAML,
    lake: Lake = None,
    as_json: Json = False,
) -> None:
    """Land what is open of a tap that nobody lands any more; exit 1 when something stays open."""
    from mesh.lake.land import land_open
    from mesh.lake.place import newest_settings
    from mesh.spec.problems import did_you_mean

    found = place(lake, file)
    store = found.store()
    taps = newest_settings(store)
    if tap not in taps:
        fail(f"--tap {tap}: {found.url} has no such tap", did_you_mean(tap, taps))
    with tempfile.TemporaryDirectory() as scratch:
        ended = list(land_open(store, tap, Path(scratch)))
    if as_json:
        data(json.dumps([{**dataclasses.asdict(each), "counts": msgspec.to_builtins(each.counts)} for each in ended]))
    for each in ended if not as_json else ():
        bad = 0 if each.counts is None else each.counts.refused + each.counts.quarantined
        rows = "held nothing" if each.counts is None else f"landed, {each.counts.rows} rows, {bad} in quarantine"
        data(f"{each.batch}: {rows if each.left is None else f'left: {each.left}'}")
    left = sum(each.left is not None for each in ended)
    if left:
        fail(
            f"{left} of {len(ended)} batches stay open",
            f"tapmesh status --lake {found.url} shows what is open and what was reported lost",
            1,
        )
    if not ended and not as_json:
        data(f"nothing of {tap} is open")
