"""`tapmesh token`: a token for a person and taps, printed alone."""

import datetime as dt
import re
from typing import Annotated

import typer

from mesh.cli.options import TAPS_YAML, File, loaded
from mesh.cli.say import data, fail, warn
from mesh.grants.keys import dev_key
from mesh.grants.tokens import issue
from mesh.grants.writers import writers
from mesh.local.workspace import STACK, beside
from mesh.plan import issuer
from mesh.spec.problems import did_you_mean

NAME = "token"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def run(
    person: Annotated[str, typer.Option("--as", help="A name in people.")],
    tap: Annotated[list[str], typer.Option("--tap", help="The tap it is for; may be repeated.")],
    lifetime: Annotated[str, typer.Option("--for", help="How long it is good, like 24h.")] = "24h",
    file: File = TAPS_YAML,
) -> None:
    """Print a token for the laptop mesh. Example: export TAP_TOKEN=$(tapmesh token --as lead --tap clicks --for 24h)"""
    mesh = loaded(file)
    match = re.fullmatch(r"([1-9]\d{0,6})([smhd])", lifetime)
    if match is None:
        fail(f"--for {lifetime}: expected a duration like 30m, 24h or 7d")
    if person not in mesh.people:
        fail(f"--as {person}: not in people; {did_you_mean(person, mesh.people)}")
    for name in tap:
        if name not in mesh.taps:
            fail(f"--tap {name}: no such tap; {did_you_mean(name, mesh.taps)}")
        if person not in {writer.person for writer in writers(mesh, mesh.taps[name])}:
            warn(f"{person} is not granted to write to {name}: it would answer 403 (taps.{name}.grants.write)")
    span = dt.timedelta(seconds=int(match[1]) * _UNITS[match[2]])
    data(issue(dev_key(beside(file).keys), issuer(mesh, STACK), person, tap, span, dt.datetime.now(dt.UTC)))
