"""`tapmesh send`: a file or standard input to a tap."""

import hashlib
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from mesh.batches import batches, seek_line
from mesh.cli.connect import To, Url, advice, connect
from mesh.cli.options import TAPS_YAML, File, Json
from mesh.cli.say import data, err, fail, note
from mesh.cli.stop import Stop
from mesh.cli.totals import Totals
from mesh.client import TapClient
from mesh.faults import SendFailed
from mesh.receipt import Sent

NAME = "send"
EXAMPLES = {
    "tapmesh send data.ndjson --to clicks": "a file, in batches of 1 MB, gzipped; sent again unchanged to a stored tap it counts once",
    "cat data.ndjson | tapmesh send - --to clicks": "a stream: no record waits longer than a second for others",
    "tapmesh send data.ndjson --to clicks --url http://127.0.0.1:8900/taps/clicks": "a tap anywhere",
    "tapmesh send data.ndjson --to clicks --from-line 2": "goes on where an earlier one stopped, or sends what a file grew by",
}
EXIT_CODES = {0: "done, even if some records are in quarantine", 1: "it failed, or no record was accepted"}
_GZIP = b"\x1f\x8b"
_LOOKED_AT = 8192


def run(
    source: Annotated[str, typer.Argument(metavar="FILE", help="A file of newline-delimited JSON, or - for standard input.")],
    to: To,
    url: Url = None,
    tries: Annotated[int, typer.Option("--tries", metavar="N", min=1, max=1000, help="How often a batch is posted at most.")] = 9,
    from_line: Annotated[
        int, typer.Option("--from-line", metavar="N", min=1, help="The line to begin with; what was sent with the whole file is new here.")
    ] = 1,
    again: Annotated[bool, typer.Option("--again", metavar="", help="Send as new what this tap has of a file with this content.")] = False,
    file: File = TAPS_YAML,
    as_json: Json = False,
) -> None:
    """Send records to a tap in batches, with retries; the token comes from TAP_TOKEN or TAP_TOKEN_COMMAND.

    Interrupted, it sends what it has read of a stream before it ends.

    On a stored tap only an unchanged file counts once when it is sent again: by content, whatever the file's name.
    Of one that grew, full batches (1 MB or 10,000 lines) count once and what followed doubles: send what it grew by with --from-line N.
    What was sent with the whole file is new to a later --from-line."""
    stop, totals = Stop(), Totals(from_line)
    client = connect(to, url, file, tries, stop.within)
    with _opened(source, from_line) as stream:
        regular = _is_file(stream)
        failure = _failure(to, stop, lambda: _send(source, stream, client, stop, totals, regular and not again, as_json))
        if failure is None and stop.within(0) and not (regular and os.read(stream, 1) == b""):
            failure = ("interrupted", "", 130)
    totals.tell()
    if failure is not None:
        if regular and totals.line > 1:
            note(f"stopped before line {totals.line:,} of {source}; --from-line {totals.line} goes on there")
        fail(*failure)
    totals.judge()


def _failure(to: str, stop: Stop, send: Callable[[], None]) -> tuple[str, str, int] | None:
    """What ended sending early: words, hint, exit code."""
    try:
        send()
    except SendFailed as failed:
        return str(failed), advice(failed, to), 130 if stop.within(0) else 1
    except KeyboardInterrupt:
        return "interrupted while a batch was under way; it may have been taken too", "", 130
    return None


def _send(source: str, stream: int, client: TapClient, stop: Stop, totals: Totals, keyed: bool, as_json: bool) -> None:
    with _progress(source) as progress:
        for batch in batches(stream, stop=stop.descriptor):
            if totals.received == 0:
                _refuse_what_is_no_text(source, batch[:_LOOKED_AT])
            try:
                sent = client.send(batch, _key(totals.line, batch) if keyed else None)
            except SendFailed as failed:
                _count(failed.sent, totals, as_json)
                raise
            _count(sent, totals, as_json)
            totals.line += batch.count(b"\n")
            progress.advance(progress.task_ids[0], len(batch))


def _count(sent: Sent, totals: Totals, as_json: bool) -> None:
    totals.add(sent)
    if as_json:
        for receipt in sent.receipts:
            data(msgspec.json.encode(receipt).decode())


def _is_file(stream: int) -> bool:
    return stat.S_ISREG(os.fstat(stream).st_mode)


def _key(line: int, batch: bytes) -> str:
    """The same lines at the same place of a file: the same key."""
    return hashlib.sha256(b"%d\n%b" % (line, batch)).hexdigest()


@contextmanager
def _opened(source: str, from_line: int) -> Iterator[int]:
    """The source's descriptor; ends the command when it cannot be lines."""
    if source == "-":
        if from_line > 1:
            fail("--from-line is for a file", f"tail -n +{from_line} FILE | tapmesh send - --to <tap>")
        yield sys.stdin.fileno()
        return
    path = Path(source)
    try:
        opened = path.open("rb", buffering=0)
    except OSError as error:
        fail(f"{source}: {error.strerror}", "name a file of newline-delimited JSON, or - for standard input")
    with opened:
        if from_line > 1 and not (_is_file(opened.fileno()) and seek_line(opened.fileno(), from_line)):
            fail(f"--from-line {from_line}: {source} has no such line", "lines count from 1")
        yield opened.fileno()


def _refuse_what_is_no_text(source: str, head: bytes) -> None:
    if head.startswith(_GZIP):
        fail(f"{source} is gzip", f"gzip -dc {source} | tapmesh send - --to <tap>; what is sent is packed anyway")
    if b"\0" in head:
        fail(f"{source} is not text", "a tap takes newline-delimited JSON in UTF-8, one object a line")


@contextmanager
def _progress(source: str) -> Iterator[Progress]:
    columns = (TextColumn("sending"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as progress:
        progress.add_task("", total=Path(source).stat().st_size if Path(source).is_file() else None)
        yield progress
