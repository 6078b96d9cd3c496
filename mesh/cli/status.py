"""`tapmesh status`: what is open, landed, quarantined and lost, a tap a line."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

from mesh.cli.options import TAPS_YAML, File, Json, Lake, place
from mesh.cli.say import data

if TYPE_CHECKING:
    from mesh.lake.status import TapStatus

NAME = "status"
EXAMPLES = {
    "tapmesh status": "the lake of taps.yaml in this folder",
    "tapmesh status --json --lake .mesh/lake": "any lake, for a script",
}
_HEADS = ("tap", "open batches", "landed", "received", "accepted", "quarantined", "rows", "lost", "last landed (UTC)")


def run(file: File = TAPS_YAML, lake: Lake = None, as_json: Json = False) -> None:
    """Show how many batches each tap has open, landed and lost, and what has landed: lines received, accepted and quarantined, rows."""
    from mesh.lake.status import status

    found = status(place(lake, file))
    if as_json:
        data(json.dumps([dataclasses.asdict(tap) for tap in found]))
        return
    lines = [_HEADS, *map(_cells, found)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for tap, *numbers, last in lines:
        cells = [number.rjust(width) for number, width in zip(numbers, widths[1:-1], strict=True)]
        data("  ".join([tap.ljust(widths[0]), *cells, last]))


def _cells(found: TapStatus) -> tuple[str, ...]:
    tap, *numbers, last = dataclasses.astuple(found)
    return (tap, *(f"{number:,}" for number in numbers), (last or "-")[:19].replace("T", " "))
