"""`tapmesh trace`: what became of a receipt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from mesh.cli.options import TAPS_YAML, File, Json, Lake, place
from mesh.cli.say import data, fail
from tap_runtime.lake import lost_key

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
    """Say what became of a request: its batch, manifest and files, rows and lines in quarantine; exit 1 when nothing is known of it."""
    import msgspec

    from mesh.lake.trace import trace as follow

    try:
        traced = follow(place(lake, file), receipt)
    except ValueError:
        fail(f"{receipt[:80]}: not a receipt", "a receipt is <batch>-<request>, the receipt field of a tap's answer")
    if as_json:
        data(msgspec.json.encode(traced).decode())
    else:
        for line in _told(traced):
            data(line)
    if traced.state == "unknown":
        raise SystemExit(1)


def _told(traced: Traced) -> Iterator[str]:
    yield f"state:    {_state(traced)}"
    yield f"batch:    {traced.batch}, request {traced.request}"
    if traced.manifest is None:
        return
    counts = traced.manifest.counts
    bad = counts.refused + counts.quarantined
    sums = f"{_of(counts.received, 'line')} received, {_of(counts.rows, 'row')}, {_of(bad, 'line')} in quarantine"
    yield f"manifest: {traced.manifest_key}"
    yield f"landed:   {traced.manifest.landed_at}, the whole batch: {_of(counts.requests, 'request')}, {sums}"
    for file in traced.manifest.files:
        yield f"file:     {file.key} ({_of(file.rows, 'row' if file.kind == 'parquet' else 'line')}, {file.bytes:,} bytes)"
    if traced.state != "unknown":
        yield from _own(traced)


def _own(traced: Traced) -> Iterator[str]:
    """The request's own lines, and how to see them."""
    if traced.rows is None:
        gone = "the batch's Parquet file is gone" if traced.rows_where else "the tap's SQL does not keep _batch and _request"
        yield f"rows:     not told by request: {gone}"
    elif traced.rows:
        yield f"rows:     {_of(traced.rows, 'row')} of this request"
        yield f'          tapmesh query "select * from {traced.tap} where {traced.rows_where}"'
    else:
        yield "rows:     none of this request" + ("" if traced.quarantined else "; the tap's SQL left its records out")
    if traced.quarantined is None:
        yield "bad:      the batch's quarantine file is gone"
    elif traced.quarantined:
        where = f"batch = '{traced.batch}' and request = {traced.request}"
        yield f"bad:      {_of(traced.quarantined, 'line')} of this request in quarantine"
        yield f'          tapmesh query "select line, reason, record from _quarantine where {where}"'


def _state(traced: Traced) -> str:
    match traced.state:
        case "landed":
            return f"landed in {traced.tap}"
        case "quarantined":
            return f"quarantined in {traced.tap}: no line of the batch is in its Parquet"
        case "open":
            return f"open in {traced.tap}: kept, and lands when its batch does"
        case "lost":
            report = lost_key(traced.tap or "", traced.batch)
            return f"lost in {traced.tap}, as it seems: the batch has vanished, or sleeps, and did not land; {report} says how much at most"
    if traced.tap is None:
        return "unknown: no manifest, marker or loss report names this batch"
    if traced.manifest is None:
        return f"unknown: the open batch of {traced.tap} has no request {traced.request}"
    return f"unknown: {traced.tap} landed this batch with {_of(traced.manifest.counts.requests, 'request')}, numbered from 0"


def _of(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
