"""`tapmesh kit opensearch`: the documents of an index."""

from typing import Annotated

import typer

from mesh.cli.connect import To, Url
from mesh.cli.kit import AcceptLoss, State, delivering
from mesh.cli.options import TAPS_YAML, File
from mesh.cli.stop import Stop

EXAMPLES = {
    "tapmesh kit opensearch --from https://search.acme.example:9200/logs --to search_export": "an index; goes on where it was",
    "tapmesh kit opensearch --from https://search.acme.example:9200/logs-2026.* --to search_export": "all indices of a pattern",
}


def run(
    to: To,
    index: Annotated[str, typer.Option("--from", metavar="URL", help="The cluster and its index, like https://host:9200/logs.")],
    slices: Annotated[int, typer.Option("--slices", metavar="N", min=1, max=64, help="How many parts are read and sent at once.")] = 4,
    anew: Annotated[bool, typer.Option("--anew", metavar="", help="Forget how far it came and begin again.")] = False,
    infer: Annotated[bool, typer.Option("--infer", metavar="", help="Only print a schema for the tap, from the mapping.")] = False,
    state: State = None,
    url: Url = None,
    file: File = TAPS_YAML,
    accept_loss: AcceptLoss = False,
) -> None:
    """Send the documents of an OpenSearch or Elasticsearch index to a tap, each once, and end.

    The login comes from OPENSEARCH_USER and OPENSEARCH_PASSWORD, or OPENSEARCH_API_KEY."""
    from mesh.cli.say import data, fail
    from mesh.kits.delivery import KitFailed
    from mesh.kits.opensearch.cluster import Login
    from mesh.kits.opensearch.export import Export
    from mesh.local.workspace import beside
    from tap_runtime.settings import environment

    login = Login(*(environment(f"OPENSEARCH_{name}") or "" for name in ("USER", "PASSWORD", "API_KEY")))
    stop = Stop()
    try:
        export = Export(index, login, (state or beside(file).root / "kits") / f"opensearch-{to}", slices, stop)
        if infer:
            data(export.schema())
            return
    except KitFailed as failed:
        if stop.within(0):
            raise SystemExit(0) from None
        fail(str(failed), failed.hint)
    with delivering(to, url, file, accept_loss, stop, export.stopped) as delivery:
        export.run(delivery, anew)
