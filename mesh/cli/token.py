"""`tapmesh token`: a token for a person and taps, printed alone."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import TYPE_CHECKING, Annotated

import typer

from mesh.cli.names import complete_people, complete_taps
from mesh.cli.options import TAPS_YAML, File, Json, loaded
from mesh.cli.say import data, fail, warn
from mesh.local.workspace import STACK, beside

if TYPE_CHECKING:
    from mesh.spec.mesh import Tap

NAME = "token"
EXAMPLES = {
    "export TAP_TOKEN=$(tapmesh token --as lead --tap clicks)": "for curl and tapmesh send, good for 24 hours",
    "tapmesh token --as lead --tap clicks --tap logs --for 30m": "two taps, half an hour",
}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def run(
    person: Annotated[str, typer.Option("--as", metavar="NAME", help="A name in people.", autocompletion=complete_people)],
    tap: Annotated[
        list[str], typer.Option("--tap", metavar="TAP", help="The tap it is for; may be repeated.", autocompletion=complete_taps)
    ],
    lifetime: Annotated[str, typer.Option("--for", metavar="DURATION", help="How long it is good, like 30m, 24h or 7d.")] = "24h",
    file: File = TAPS_YAML,
    as_json: Json = False,
) -> None:
    """Print a token for the laptop mesh, alone, for a shell variable."""
    from mesh.grants.keys import dev_key
    from mesh.grants.tokens import issue
    from mesh.grants.writers import writers
    from mesh.plan import issuer
    from mesh.spec.problems import did_you_mean

    mesh = loaded(file)
    match = re.fullmatch(r"([1-9]\d{0,6})([smhd])", lifetime)
    if match is None:
        fail(f"--for {lifetime}: not a duration", "a number and s, m, h or d, like 30m, 24h or 7d")
    if person not in mesh.people:
        team = f"; {person} is a team, and a token is a person's" if person in mesh.teams else ""
        fail(f"--as {person}: not in people{team}", did_you_mean(person, mesh.people))
    now = dt.datetime.now(dt.UTC)
    for name in tap:
        if name not in mesh.taps:
            fail(f"--tap {name}: no such tap", did_you_mean(name, mesh.taps))
        _warn(person, mesh.taps[name], {writer.person: writer.until for writer in writers(mesh, mesh.taps[name])}, now)
    lifetime_s = int(match[1]) * _UNITS[match[2]]
    token = issue(dev_key(beside(file).keys), issuer(mesh, STACK), person, tap, dt.timedelta(seconds=lifetime_s), now)
    expires = (now + dt.timedelta(seconds=lifetime_s)).isoformat(timespec="seconds")
    data(json.dumps({"token": token, "person": person, "taps": tap, "expires_at": expires}) if as_json else token)


def _warn(person: str, tap: Tap, until: dict[str, str | None], now: dt.datetime) -> None:
    """Of a token that does nothing for this tap."""
    refused = f"it would answer 403 (taps.{tap.name}.grants.write)"
    if tap.closed or tap.public:
        warn(f"{tap.name} is closed: it takes nothing" if tap.closed else f"{tap.name} is public: it asks for no token")
    elif person not in until:
        warn(f"{person} is not granted to write to {tap.name}: {refused}")
    elif (last := until[person]) is not None and last < now.date().isoformat():
        warn(f"the grant of {person} to write to {tap.name} ended with {last}: {refused}")
