"""`tapmesh send`: a file or standard input to a tap."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from mesh.batches import batches
from mesh.cli.laptop import DEFAULT_URL, running_url
from mesh.cli.names import complete_taps, names
from mesh.cli.options import TAPS_YAML, File, Json, existing
from mesh.cli.say import data, err, fail, note, warn
from mesh.cli.stop import Stop
from mesh.client import Receipt, SendFailed, TapClient
from tap_runtime.settings import environment

NAME = "send"
EXAMPLES = {
    "tapmesh send data.ndjson --to clicks": "a file, in batches of 1 MB, gzipped, each with an Idempotency-Key",
    "cat data.ndjson | tapmesh send - --to clicks": "a stream: no record waits longer than a second for others",
    "tapmesh send data.ndjson --to clicks --url http://127.0.0.1:8900/taps/clicks": "a tap anywhere",
}
_GZIP = b"\x1f\x8b"


@dataclass
class Sent:
    """What the tap has taken so far."""

    received: int = 0
    accepted: int = 0
    quarantined: int = 0
    durability: str = "nothing sent"
    receipt: str | None = None

    def add(self, receipt: Receipt) -> None:
        """One more batch."""
        self.received, self.accepted = self.received + receipt.received, self.accepted + receipt.accepted
        self.quarantined += receipt.quarantined_count
        self.durability, self.receipt = receipt.durability, receipt.receipt


def run(
    source: Annotated[str, typer.Argument(metavar="FILE", help="A file of newline-delimited JSON, or - for standard input.")],
    to: Annotated[str, typer.Option("--to", metavar="TAP", help="The tap.", autocompletion=complete_taps)],
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="The tap's URL; else TAPMESH_URL_<TAP>, else the laptop mesh's.")
    ] = None,
    tries: Annotated[int, typer.Option("--tries", metavar="N", min=1, max=1000, help="How often a batch is posted at most.")] = 9,
    file: File = TAPS_YAML,
    as_json: Json = False,
) -> None:
    """Send records to a tap in batches, with retries; the token comes from TAP_TOKEN.

    Interrupted, it sends what it has read before it ends."""
    stop, sent = Stop(), Sent()
    client = TapClient(_url(to, url, file), environment("TAP_TOKEN"), tries, note, stop.within)
    failure: tuple[str, str, int] | None = None
    try:
        _send(source, client, stop, sent, as_json)
    except SendFailed as failed:
        failure = (str(failed), failed.hint, 130 if stop.within(0) else 1)
    except KeyboardInterrupt:
        failure = ("interrupted while a batch was under way; it may have been taken too", "", 130)
    _summary(sent, as_json)
    if failure is not None:
        fail(*failure)
    if stop.within(0):
        raise SystemExit(130)


def _send(source: str, client: TapClient, stop: Stop, sent: Sent, as_json: bool) -> None:
    with _opened(source) as stream, _progress(source) as progress:
        for batch in batches(stream, stop=stop.descriptor):
            receipt = client.send(batch)
            sent.add(receipt)
            progress.advance(progress.task_ids[0], len(batch))
            if as_json:
                data(msgspec.json.encode(receipt).decode())


def _url(to: str, url: str | None, file: Path) -> str:
    if found := url or environment(f"TAPMESH_URL_{to.upper()}"):
        if not found.startswith(("http://", "https://")):
            fail(f"{found} is not a tap's URL", f"like {DEFAULT_URL}/taps/{to}")
        return found
    if file != TAPS_YAML:
        existing(file)
    known = names(file, "taps")
    if known and to not in known:
        fail(f"--to {to}: no such tap in {file}", f"taps: {', '.join(known)}; --url names a tap of another mesh")
    return f"{running_url(file) or DEFAULT_URL}/taps/{to}"


@contextmanager
def _opened(source: str) -> Iterator[int]:
    """The source's descriptor; ends the command when it cannot be lines."""
    if source == "-":
        yield sys.stdin.fileno()
        return
    path = Path(source)
    try:
        opened = path.open("rb", buffering=0)
    except OSError as error:
        fail(f"{source}: {error.strerror}", "name a file of newline-delimited JSON, or - for standard input")
    with opened:
        if path.is_file():
            if opened.read(2) == _GZIP:
                fail(f"{source} is gzip", f"gzip -dc {source} | tapmesh send - --to <tap>; what is sent is packed anyway")
            opened.seek(0)
        yield opened.fileno()


@contextmanager
def _progress(source: str) -> Iterator[Progress]:
    columns = (TextColumn("sending"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as progress:
        progress.add_task("", total=Path(source).stat().st_size if Path(source).is_file() else None)
        yield progress


def _summary(sent: Sent, as_json: bool) -> None:
    note(f"{sent.accepted:,} records accepted ({sent.durability}), {sent.quarantined:,} in quarantine")
    if sent.receipt and not as_json:
        note(f"last receipt: {sent.receipt}")
    if sent.quarantined:
        warn('tapmesh query "select reason, record from _quarantine" shows them once they have landed')
