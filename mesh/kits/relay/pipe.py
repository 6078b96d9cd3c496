"""Standard input as rsyslog's omprog writes to it: a line, then it waits for a word that the line is safe."""

import sys
import threading
from collections.abc import Callable
from contextlib import suppress

from mesh.cli.say import data
from mesh.kits.relay.kept import Kept


def pipe(kept: Kept, ended: Callable[[], None]) -> None:
    """Takes lines in a thread until rsyslog closes the pipe, which `ended` hears. What cannot be kept is not confirmed: it comes again."""

    def run() -> None:
        _take(kept)
        ended()

    threading.Thread(target=run, daemon=True).start()


def _take(kept: Kept) -> None:
    with suppress(BrokenPipeError):  # rsyslog is gone
        data("OK")
        for line in sys.stdin.buffer:
            if not line.endswith(b"\n"):
                return  # rsyslog was killed while it wrote it, and brings it again
            try:
                kept.append(line)
            except OSError as error:
                data(f"not kept: {error.strerror}")
            else:
                data("OK")
