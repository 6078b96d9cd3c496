"""`tapmesh kit rest`: a REST API's records, and what is new since."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mesh.cli.connect import Url
from mesh.cli.kit import AcceptLoss, State, delivering
from mesh.cli.names import complete_taps
from mesh.cli.options import TAPS_YAML, File, existing, lines, loaded
from mesh.cli.say import data, fail, note
from mesh.cli.stop import Stop

if TYPE_CHECKING:
    from mesh.kits.rest.source import RestSource

EXAMPLES = {
    "tapmesh kit rest --from nyc311.yaml --to service_requests": "what is new, then the end",
    "tapmesh kit rest --from nyc311.yaml --to service_requests --every 15m": "again and again, until Ctrl-C",
    "tapmesh kit rest --source nyc311": "one that taps.yaml declares in sources, from here",
}


def run(
    source: Annotated[Path | None, typer.Option("--from", metavar="PATH", help="The file that declares the source.")] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="TAP", help="The tap.", autocompletion=complete_taps)] = None,
    declared: Annotated[str | None, typer.Option("--source", metavar="NAME", help="A source of the mesh's file, into its tap.")] = None,
    every: Annotated[str | None, typer.Option("--every", metavar="DURATION", help="Read again that long after each end, like 15m.")] = None,
    anew: Annotated[bool, typer.Option("--anew", metavar="", help="Forget what was sent and begin again.")] = False,
    state: State = None,
    url: Url = None,
    file: File = TAPS_YAML,
    accept_loss: AcceptLoss = False,
) -> None:
    """Send the records of a REST API to a tap: all of them first, then what is new or changed."""
    from mesh.kits.rest.place import InFile, Place
    from mesh.kits.rest.reading import Reading
    from mesh.local.workspace import beside
    from mesh.spec.units import duration

    rest, tap = _in_file(source, to) if declared is None else _in_mesh(declared, source or to, file)
    try:
        pause_s = duration(every) if every is not None else None
    except ValueError as error:
        fail(f"--every {every}: {error}")
    stop = Stop()
    with delivering(tap, url, file, accept_loss, stop) as delivery:
        kept = (state or beside(file).root / "kits") / f"rest-{declared or Path(str(source)).stem}-{tap}.db"
        place = Place(InFile(kept), rest.url, anew)
        try:
            reading = Reading(rest, place, delivery, stop.within, note)
            reading.run()
            while pause_s is not None and not stop.within(pause_s):
                reading.run()
        finally:
            place.close()


def _in_file(source: Path | None, to: str | None) -> tuple[RestSource, str]:
    """The source and its tap."""
    from mesh.spec.rest import BadSource, read_source

    if source is None or to is None:
        fail(f"missing option '{'--from' if source is None else '--to'}'", "--from and --to go together; --source needs neither")
    try:
        return read_source(existing(source, "docs/kits/rest.md says what it has in it; --from names another")), to
    except BadSource as bad:
        for line in lines(bad.problems):
            data(line)
        fail(f"{source} cannot be used as it is", "each line above says where and what")


def _in_mesh(name: str, other: Path | str | None, file: Path) -> tuple[RestSource, str]:
    """The source and its tap."""
    from mesh.spec.problems import did_you_mean

    if other is not None:
        fail("--source says what is read and where it goes", "leave --from and --to out")
    sources = loaded(file).sources
    if name not in sources:
        fail(f"--source {name}: not in sources of {file}", did_you_mean(name, sources))
    return sources[name].rest, sources[name].into
