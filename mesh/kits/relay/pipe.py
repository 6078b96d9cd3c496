"""Standard input as rsyslog's omprog writes to it: a line, then it waits for a word that the line is safe."""

import sys
import threading

from mesh.cli.say import data
from mesh.kits.relay.kept import Kept


def pipe(kept: Kept) -> threading.Thread:
    """The thread that takes lines, until rsyslog closes the pipe. A line that cannot be kept is not confirmed: rsyslog brings it again."""
    thread = threading.Thread(target=_take, args=(kept,), daemon=True)
    thread.start()
    return thread


def _take(kept: Kept) -> None:
    data("OK")
    for line in sys.stdin.buffer:
        try:
            kept.append(line)
        except OSError as error:
            data(f"not kept: {error.strerror}")
        else:
            data("OK")
