"""`tapmesh who-can`: who may write to a tap or read it, and which lines say so."""

from typing import Annotated

import typer

from mesh.cli.names import complete_taps
from mesh.cli.options import TAPS_YAML, File, Json, loaded
from mesh.cli.rights import Day, May, asked_day, named, tell

NAME = "who-can"
EXAMPLES = {
    "tapmesh who-can write clicks": "everybody who may send to it today, with the lines of taps.yaml",
    "tapmesh who-can read clicks --on 2027-04-01": "on a day to come",
    "tapmesh who-can write clicks --json": "for a script",
}


def run(
    action: Annotated[May, typer.Argument(metavar="ACTION", help="write or read.")],
    tap: Annotated[str, typer.Argument(metavar="TAP", help="The tap.", autocompletion=complete_taps)],
    on: Day = None,
    file: File = TAPS_YAML,
    as_json: Json = False,
) -> None:
    """Say who may write to a tap, or read it, and which lines of taps.yaml say so."""
    from mesh.grants.rights import rights

    day, mesh = asked_day(on), loaded(file)
    found = [right for right in rights(mesh, named(tap, mesh.taps, "tap"), action.value) if right.holds(day)]
    closed = f"; {tap} is closed" if mesh.taps[tap].closed and action is May.WRITE else ""
    tell(found, "who", f"nobody may {action.value} {tap} on {day}{closed}", as_json)
