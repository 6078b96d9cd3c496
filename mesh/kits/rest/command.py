"""`tapmesh kit rest`: a REST API's records, and what is new since."""

from pathlib import Path
from typing import Annotated

import typer

from mesh.cli.connect import To, Url
from mesh.cli.kit import AcceptLoss, State, delivering
from mesh.cli.options import TAPS_YAML, File, existing, lines
from mesh.cli.say import data, fail
from mesh.cli.stop import Stop

EXAMPLES = {
    "tapmesh kit rest --from nyc311.yaml --to service_requests": "what is new, then the end",
    "tapmesh kit rest --from nyc311.yaml --to service_requests --every 15m": "again and again, until Ctrl-C",
}


def run(
    to: To,
    source: Annotated[Path, typer.Option("--from", metavar="PATH", help="The file that declares the source.")],
    every: Annotated[str | None, typer.Option("--every", metavar="DURATION", help="Read again that long after each end, like 15m.")] = None,
    anew: Annotated[bool, typer.Option("--anew", metavar="", help="Forget what was sent and begin again.")] = False,
    state: State = None,
    url: Url = None,
    file: File = TAPS_YAML,
    accept_loss: AcceptLoss = False,
) -> None:
    """Send the records of a REST API to a tap: all of them first, then what is new or changed."""
    from mesh.kits.rest.place import Place
    from mesh.kits.rest.reading import Reading
    from mesh.kits.rest.source import BadSource, read_source
    from mesh.local.workspace import beside
    from mesh.spec.units import duration

    try:
        declared = read_source(existing(source, "docs/kits/rest.md says what it has in it; --from names another"))
        pause_s = duration(every) if every is not None else None
    except BadSource as bad:
        for line in lines(bad.problems):
            data(line)
        fail(f"{source} cannot be used as it is", "each line above says where and what")
    except ValueError as error:
        fail(f"--every {every}: {error}")
    stop = Stop()
    with delivering(to, url, file, accept_loss, stop) as delivery:
        place = Place((state or beside(file).root / "kits") / f"rest-{source.stem}-{to}.db", declared.url, anew)
        try:
            reading = Reading(declared, place, delivery, stop)
            reading.run()
            while pause_s is not None and not stop.within(pause_s):
                reading.run()
        finally:
            place.close()
