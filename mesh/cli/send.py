"""`tapmesh send`: a file or standard input to a tap."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from mesh.cli.options import Json
from mesh.cli.say import data, err, fail, note, warn
from mesh.client import Receipt, SendFailed, TapClient, batches
from tap_runtime.settings import environment

NAME = "send"


def run(
    source: Annotated[str, typer.Argument(help="A file of newline-delimited JSON, or - for standard input.")],
    to: Annotated[str, typer.Option("--to", help="The tap.")],
    url: Annotated[str | None, typer.Option("--url", help="The tap's URL; else TAPMESH_URL_<TAP>, else the laptop's.")] = None,
    as_json: Json = False,
) -> None:
    """Send records in batches, with retries; the token comes from TAP_TOKEN. Example: tapmesh send data.ndjson --to clicks"""
    target = url or environment(f"TAPMESH_URL_{to.upper()}") or f"http://127.0.0.1:8900/taps/{to}"
    client = TapClient(target, environment("TAP_TOKEN"))
    path = Path(source)
    if source != "-" and not path.is_file():
        fail(f"{source}: no such file", "name a file of newline-delimited JSON, or - for standard input")
    receipts: list[Receipt] = []
    try:
        with Progress(
            TextColumn("sending"), BarColumn(), DownloadColumn(), TimeRemainingColumn(), console=err, disable=not err.is_terminal
        ) as progress:
            task = progress.add_task("", total=path.stat().st_size if source != "-" else None)
            with sys.stdin.buffer if source == "-" else path.open("rb") as lines:
                for batch in batches(lines):
                    receipts.append(client.send(batch))
                    progress.advance(task, len(batch))
                    if as_json:
                        data(json.dumps({"receipt": receipts[-1].receipt, "accepted": receipts[-1].accepted}))
    except SendFailed as failed:
        sent = sum(receipt.received for receipt in receipts)
        fail(str(failed), f"{sent:,} records before it were taken", code=1)
    _summary(receipts, as_json)


def _summary(receipts: list[Receipt], as_json: bool) -> None:
    accepted = sum(receipt.accepted for receipt in receipts)
    bad = sum(receipt.quarantined_count for receipt in receipts)
    durability = receipts[0].durability if receipts else "nothing sent"
    note(f"{accepted:,} records accepted ({durability}), {bad:,} in quarantine")
    if receipts and receipts[-1].receipt and not as_json:
        note(f"last receipt: {receipts[-1].receipt}")
    if bad:
        warn('tapmesh query "select reason, record from _quarantine" shows them once they have landed')
