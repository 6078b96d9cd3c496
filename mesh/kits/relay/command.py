"""`tapmesh kit relay`: for programs that do not send again what was not taken."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated, TextIO

import typer

from mesh.cli.connect import To, Url, connect
from mesh.cli.kit import AcceptLoss
from mesh.cli.options import TAPS_YAML, File
from mesh.cli.say import fail, note
from mesh.cli.stop import Stop
from mesh.faults import SendFailed
from mesh.kits.delivery import Delivery, KitFailed
from mesh.kits.files import locked
from mesh.kits.relay.door import door
from mesh.kits.relay.kept import Kept
from mesh.kits.relay.pipe import pipe

EXAMPLES = {"tapmesh kit relay --to metrics": "takes what collectd posts to http://127.0.0.1:8901/ and delivers it"}
_LOOK_AGAIN_S = 1.0
_REFUSED_WAIT_S = 20.0
_REFUSED = (400, 409, 413, 415)  # of what was sent; all others are of token, address or tap, which may be right again


def run(
    to: To,
    url: Url = None,
    port: Annotated[int, typer.Option("--port", metavar="PORT", help="Where it listens, on this machine only.")] = 8901,
    omprog: Annotated[bool, typer.Option("--omprog", metavar="", help="Take lines from rsyslog's omprog instead.")] = False,
    folder: Annotated[Path, typer.Option("--folder", metavar="PATH", file_okay=False, help="Where undelivered records wait.")] = Path(
        ".mesh/relay"
    ),
    accept_loss: AcceptLoss = False,
    file: File = TAPS_YAML,
) -> None:
    """Take what programs on this machine send, keep it on disk, and deliver it until the tap has it, across restarts too."""
    stop = Stop()
    delivery = Delivery(connect(to, url, file, None, stop.within), accept_loss)
    try:
        with _alone(folder, stop):
            kept = Kept(folder)
            if omprog:
                pipe(kept, stop.ask)
                _deliver(kept, delivery, stop)
            else:
                with door(port, kept):
                    note(f"relay: http://127.0.0.1:{port}/ -> {folder} -> {to}")
                    _deliver(kept, delivery, stop)
            note(f"delivered: {delivery.records:,}, of them to quarantine: {delivery.quarantined:,}; files that wait: {len([*kept])}")
    except OSError as error:
        fail(f"port {port} or {folder}: {error.strerror}", "another relay may be running; --port and --folder name others")
    except KitFailed as failed:
        fail(str(failed), failed.hint, 1)


def _alone(folder: Path, stop: Stop) -> TextIO:
    """The folder's lock. An earlier relay, which rsyslog does not wait for, is waited for."""
    if (lock := locked(folder)) is None:
        note(f"another relay has {folder}: waiting for its end")
    while lock is None:
        if stop.within(_LOOK_AGAIN_S):
            raise SystemExit(0)
        lock = locked(folder)
    return lock


def _deliver(kept: Kept, delivery: Delivery, stop: Stop) -> None:
    """Until the end is asked for. A refused token or grant ends nothing: what comes meanwhile is kept, and the next token may be good."""
    tried = False
    while not stop.within(_LOOK_AGAIN_S):
        try:
            tried = tried or bool(delivery.start())
            for path in kept:
                _one(path, delivery)
        except SendFailed as failed:
            if not stop.within(0):
                wait_s = _REFUSED_WAIT_S if failed.for_good else _LOOK_AGAIN_S
                note(f"{failed}; {failed.hint}; trying again in {wait_s:.0f} s")
                stop.within(wait_s)
    with suppress(SendFailed):  # the next relay goes on with what the tap does not take now
        for path in kept:
            _one(path, delivery)


def _one(path: Path, delivery: Delivery) -> None:
    """Sets aside what the tap takes under no circumstances, so that it is in nothing's way."""
    try:
        delivery.send(path.read_bytes(), path.stem)
    except SendFailed as failed:
        if failed.status in _REFUSED:
            aside = path.rename(path.with_suffix(".refused"))
            note(f"{failed}; it is kept as {aside}")
            return
        raise
    path.unlink()
