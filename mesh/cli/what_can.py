"""`tapmesh what-can`: what a person, team, role or account may do, and which lines say so."""

from typing import Annotated

import typer

from mesh.cli.names import complete_people
from mesh.cli.options import TAPS_YAML, File, Json, loaded
from mesh.cli.rights import Day, asked_day, somebody, tell

NAME = "what-can"
EXAMPLES = {
    "tapmesh what-can partner": "every tap they may write to or read today, with the lines of taps.yaml",
    "tapmesh what-can growth --on 2027-04-01": "a team, on a day to come",
}


def run(
    who: Annotated[str, typer.Argument(metavar="WHO", help="A person, team, role ARN or account id.", autocompletion=complete_people)],
    on: Day = None,
    file: File = TAPS_YAML,
    as_json: Json = False,
) -> None:
    """Say which taps somebody may write to and read, and which lines of taps.yaml say so."""
    from mesh.grants.rights import ACTIONS, held

    day, mesh = asked_day(on), loaded(file)
    somebody(who, mesh)
    found = [right for action in ACTIONS for right in held(mesh, action, who, day)]
    tell(found, "tap", f"{who} may do nothing in {mesh.name} on {day}", as_json)
