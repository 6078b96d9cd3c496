"""`tapmesh trace`: what became of a receipt."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from mesh.cli.options import TAPS_YAML, File, Json, Lake, place
from mesh.cli.say import data, fail

if TYPE_CHECKING:
    from mesh.lake.trace import Traced

NAME = "trace"
EXAMPLES = {
    "tapmesh trace 20261123T215500Z-…-17": "the receipt of an answer, or of tapmesh send",
    "tapmesh trace 20261123T215500Z-…-17 --json": "with the whole manifest",
}


def run(
    receipt: Annotated[str, typer.Argument(metavar="RECEIPT", help="The receipt of an answer: <batch>-<request>.")],
    file: File = TAPS_YAML,
    lake: Lake = None,
    as_json: Json = False,
) -> None:
    """Name the batch, manifest and files a request's records are in; exit 1 when nothing is known of it."""
    import msgspec

    from mesh.lake.place import NoLake
    from mesh.lake.trace import trace as follow
    from tap_runtime.errors import LakeDown

    try:
        traced = follow(place(lake, file), receipt)
    except (NoLake, LakeDown) as error:
        fail(str(error), code=1)
    except ValueError:
        fail(f"{receipt[:80]}: not a receipt", "a receipt is <batch>-<request>, the receipt field of a tap's answer")
    if as_json:
        manifest = None if traced.manifest is None else msgspec.to_builtins(traced.manifest)
        data(json.dumps({"state": traced.state, "tap": traced.tap, "batch": traced.batch, "request": traced.request, "manifest": manifest}))
    else:
        _tell(traced)
    if traced.state == "unknown":
        raise SystemExit(1)


def _tell(traced: Traced) -> None:
    data(f"state:    {traced.state}" + (f" in {traced.tap}" if traced.tap else ": no manifest, marker or loss report names this batch"))
    data(f"batch:    {traced.batch}, request {traced.request}")
    if traced.manifest is None:
        return
    counts = traced.manifest.counts
    bad = counts.refused + counts.quarantined
    data(f"manifest: {traced.manifest_key}")
    data(f"landed:   {traced.manifest.landed_at}, {counts.received} lines received, {counts.rows} rows, {bad} in quarantine")
    for file in traced.manifest.files:
        data(f"file:     {file.key} ({file.rows} rows, {file.bytes} bytes)")
    if traced.rows_where:
        data(f'rows:     tapmesh query "select * from {traced.tap} where {traced.rows_where}"')
    else:
        data("rows:     the tap's SQL does not keep _batch and _request, so rows cannot be told apart by request")
