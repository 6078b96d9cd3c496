"""`tapmesh kit …`: ships data in from one kind of source. A kind is `mesh/kits/<kind>/command.py`, read when it is asked for."""

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from mesh import kits
from mesh.cli.connect import advice, connect
from mesh.cli.epilog import epilog
from mesh.cli.say import fail, note, warn
from mesh.cli.stop import Stop
from mesh.faults import SendFailed
from mesh.kits.delivery import Delivery, KitFailed

NAME = "kit"
EXAMPLES = {"tapmesh kit --help": "the kinds there are"}
_HELP = """Ship data in from a source, and lose nothing of it.

A web page and AWS Lambda's telemetry need no command here: docs/kits/web.md and docs/kits/lambda-telemetry.md."""
AcceptLoss = Annotated[
    bool, typer.Option("--accept-loss", metavar="", help="Send to a buffered tap too, which may lose what the kit will not send again.")
]
State = Annotated[
    Path | None, typer.Option("--state", metavar="FOLDER", help="Where it keeps its place; else .mesh/kits beside the mesh's file.")
]


def kinds() -> list[str]:
    """What `tapmesh kit` can be followed by."""
    return sorted(file.parent.name.replace("_", "-") for file in Path(kits.__path__[0]).glob("*/command.py"))


def command(kind: str) -> Any:
    """The module with the kind's `run` and its EXAMPLES."""
    return importlib.import_module(f"mesh.kits.{kind.replace('-', '_')}.command")


class _Kinds(TyperGroup):
    """Finds its commands by their files, so that no command pays for importing a kit but its own."""

    def list_commands(self, context: Any) -> list[str]:
        return kinds()

    def get_command(self, context: Any, name: str) -> Any:
        if name not in kinds():
            return None
        alone, found = typer.Typer(add_completion=False), command(name)
        alone.command(name, epilog=epilog(found.EXAMPLES))(found.run)
        return typer.main.get_command(alone)


app = typer.Typer(cls=_Kinds, help=_HELP)


@contextmanager
def delivering(
    to: str, url: str | None, file: Path, accept_loss: bool, stop: Stop, stopped: Callable[[float], bool] | None = None
) -> Iterator[Delivery]:
    """A kit's way to its tap, tried out: address, token, grant and durability are right when the block begins.

    The end is the block's end, with what was delivered in words; a failure ends the command. `stopped`: see `TapClient`."""
    delivery = Delivery(connect(to, url, file, None, stopped or stop.within), accept_loss, note)
    failed: SendFailed | KitFailed | None = None
    try:
        if delivery.start() == "buffered":
            warn(f"{to} is buffered: what a crash of it loses is not sent again, and what is sent again may double")
        yield delivery
    except (SendFailed, KitFailed) as error:
        failed = error
    if delivery.records or failed is None:
        note(f"{delivery.records:,} records delivered, {delivery.quarantined:,} of them to quarantine")
    if failed is not None and stop.within(0):
        raise SystemExit(0)
    if failed is not None:
        fail(str(failed), advice(failed, to, lasting=True) if isinstance(failed, SendFailed) else failed.hint, 1)
