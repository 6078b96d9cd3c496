"""`tapmesh kit postgres`: a database's changes, by logical replication."""

from enum import StrEnum
from typing import Annotated

import typer

from mesh.cli.connect import To, Url
from mesh.cli.kit import AcceptLoss, State, delivering
from mesh.cli.options import TAPS_YAML, File
from mesh.cli.stop import Stop

EXAMPLES = {
    "tapmesh kit postgres --from postgresql://cdc@db.acme.example/shop --table orders --to orders_cdc": "a table, then its changes",
    "tapmesh kit postgres --from dbname=shop --table orders --to orders_cdc --no-snapshot": "changes from now on",
}


class Plugin(StrEnum):
    """What decodes the changes in the server."""

    WAL2JSON = "wal2json"
    PGOUTPUT = "pgoutput"


def run(
    to: To,
    table: Annotated[list[str], typer.Option("--table", metavar="TABLE", help="A table to follow, like shop.orders; may be repeated.")],
    database: Annotated[
        str, typer.Option("--from", metavar="URL", help="The database, as a URL or DSN; else, and what it leaves out, PGHOST, PGDATABASE …")
    ] = "",
    slot: Annotated[str, typer.Option("--slot", metavar="NAME", help="The replication slot; made when it is not there.")] = "tapmesh",
    plugin: Annotated[
        Plugin | None, typer.Option("--plugin", help="wal2json or pgoutput, for a new slot; else wal2json where the server has it.")
    ] = None,
    publication: Annotated[
        str | None, typer.Option("--publication", metavar="NAME", help="For pgoutput; made when it is not there. Else called as the slot.")
    ] = None,
    snapshot: Annotated[bool, typer.Option("--snapshot/--no-snapshot", help="Begin a new slot with the tables as they are.")] = True,
    anew: Annotated[bool, typer.Option("--anew", metavar="", help="Drop the slot and begin again.")] = False,
    state: State = None,
    url: Url = None,
    file: File = TAPS_YAML,
    accept_loss: AcceptLoss = False,
) -> None:
    """Send tables of a PostgreSQL database, and every change of them in the order of commits, to a tap.

    The password comes from PGPASSWORD or ~/.pgpass."""
    from mesh.kits.postgres.follow import Follow
    from mesh.kits.postgres.slot import Database
    from mesh.kits.postgres.tables import table as named
    from mesh.local.workspace import beside

    stop = Stop()
    followed = Database(database, tuple(dict.fromkeys(map(named, table))), slot, publication or slot)
    follow = Follow(followed, plugin, (state or beside(file).root / "kits") / f"postgres-{slot}.json", stop)
    with delivering(to, url, file, accept_loss, stop, follow.stopped) as delivery:
        follow.run(delivery, snapshot, anew)
