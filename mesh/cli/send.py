"""`tapmesh send`: a file or standard input to a tap."""

import hashlib
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from mesh.batches import batches, seek_line
from mesh.cli.connect import To, Url, connect
from mesh.cli.options import TAPS_YAML, File, Json
from mesh.cli.say import data, err, fail, note, warn
from mesh.cli.stop import Stop
from mesh.client import TapClient
from mesh.faults import SendFailed
from mesh.receipt import Sent

NAME = "send"
EXAMPLES = {
    "tapmesh send data.ndjson --to clicks": "a file, in batches of 1 MB, gzipped; sent again to a stored tap it counts once",
    "cat data.ndjson | tapmesh send - --to clicks": "a stream: no record waits longer than a second for others",
    "tapmesh send data.ndjson --to clicks --url http://127.0.0.1:8900/taps/clicks": "a tap anywhere",
    "tapmesh send data.ndjson --to clicks --from-line 2": "goes on where an earlier one stopped",
}
_GZIP = b"\x1f\x8b"
_LOOKED_AT = 8192
_SHOWN = 10


@dataclass
class Totals:
    """What the tap has taken so far; `line` comes next, `too_large` were left out."""

    line: int
    received: int = 0
    accepted: int = 0
    quarantined: int = 0
    before: int = 0
    receipts: list[str] = field(default_factory=list)
    durability: str = ""
    too_large: list[int] = field(default_factory=list)

    def add(self, sent: Sent) -> None:
        """One more batch, which begins at `line`; of all receipts only the first and the last are kept."""
        for receipt in sent.receipts:
            self.received, self.accepted = self.received + receipt.received, self.accepted + receipt.accepted
            self.quarantined += receipt.quarantined_count
            self.before += receipt.accepted if receipt.duplicate else 0
            self.durability = receipt.durability
            if receipt.receipt is not None:
                self.receipts[1:] = [receipt.receipt]
        self.too_large += [self.line + line for line in sent.too_large]


def run(
    source: Annotated[str, typer.Argument(metavar="FILE", help="A file of newline-delimited JSON, or - for standard input.")],
    to: To,
    url: Url = None,
    tries: Annotated[int, typer.Option("--tries", metavar="N", min=1, max=1000, help="How often a batch is posted at most.")] = 9,
    from_line: Annotated[int, typer.Option("--from-line", metavar="N", min=1, help="The line of the file to begin with.")] = 1,
    again: Annotated[bool, typer.Option("--again", metavar="", help="Send as new what this tap has taken from this file before.")] = False,
    file: File = TAPS_YAML,
    as_json: Json = False,
) -> None:
    """Send records to a tap in batches, with retries; the token comes from TAP_TOKEN or TAP_TOKEN_COMMAND.

    Interrupted, it sends what it has read of a stream before it ends."""
    stop, totals = Stop(), Totals(from_line)
    client = connect(to, url, file, tries, stop.within)
    with _opened(source, from_line) as stream:
        regular = _is_file(stream)
        failure = _failure(stop, lambda: _send(source, stream, client, stop, totals, regular and not again, as_json))
        if failure is None and stop.within(0) and not (regular and os.read(stream, 1) == b""):
            failure = ("interrupted", "", 130)
    _summary(totals)
    if failure is not None:
        if regular and totals.line > 1:
            note(f"stopped before line {totals.line:,} of {source}; --from-line {totals.line} goes on there")
        fail(*failure)
    _judge(totals)


def _failure(stop: Stop, send: Callable[[], None]) -> tuple[str, str, int] | None:
    """What ended sending early: words, hint, exit code."""
    try:
        send()
    except SendFailed as failed:
        return str(failed), failed.hint, 130 if stop.within(0) else 1
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


def _summary(totals: Totals) -> None:
    if not totals.received:
        return
    note(f"{totals.accepted:,} records accepted ({totals.durability}), {totals.quarantined:,} in quarantine")
    if totals.before:
        note(f"{totals.before:,} of them were sent before and count once; --again sends them as new ones")
    if totals.receipts:
        note(f"receipts: {' to '.join(totals.receipts)}")
    if totals.quarantined:
        warn('tapmesh query "select reason, record from _quarantine" shows them once they have landed')


def _judge(totals: Totals) -> None:
    """Ends with 1 when not all lines were taken, or none was good."""
    if totals.too_large:
        shown = ", ".join(f"{line:,}" for line in totals.too_large[:_SHOWN])
        more = f" and {len(totals.too_large) - _SHOWN:,} more" if len(totals.too_large) > _SHOWN else ""
        fail(f"not sent, as larger than the tap takes: line {shown}{more}", "split these records; the tap's limits grow with memory", 1)
    if not totals.received:
        note("no records in it; nothing was sent")
    elif not totals.accepted:
        fail("no record was accepted; all are in quarantine", "a tap takes newline-delimited JSON, one object a line", 1)
