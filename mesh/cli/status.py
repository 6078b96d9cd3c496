"""`tapmesh status`: what is open, landed, quarantined and lost, a tap a line."""

import dataclasses
import json

from rich.table import Table

from mesh.cli.options import TAPS_YAML, File, Json, Lake, place
from mesh.cli.say import data, fail, out

NAME = "status"
EXAMPLES = {
    "tapmesh status": "the lake of taps.yaml in this folder",
    "tapmesh status --json --lake .mesh/lake": "any lake, for a script",
}


def run(file: File = TAPS_YAML, lake: Lake = None, as_json: Json = False) -> None:
    """Show each tap's open batches and what landed."""
    from mesh.lake.place import NoLake
    from mesh.lake.trace import status
    from tap_runtime.errors import LakeDown

    try:
        found = status(place(lake, file))
    except (NoLake, LakeDown) as error:
        fail(str(error), code=1)
    if as_json:
        data(json.dumps([dataclasses.asdict(tap) for tap in found]))
        return
    table = Table("tap", "open", "landed", "rows", "quarantined", "lost", "last landed")
    for tap in found:
        row = (tap.open_batches, tap.landed_batches, tap.rows, tap.quarantined, tap.lost_batches, (tap.last_landed_at or "")[:19])
        table.add_row(tap.tap, *(f"{cell:,}" if isinstance(cell, int) else cell for cell in row))
    out.print(table)
