"""The harness's end of what bootstrap.py tells: INIT is over, a response was handed in."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from tests.emulated.outcome import Outcome


class Hearing:
    """Hears every runtime process of one environment, one after the other, until it is closed."""

    def __init__(self, name: str, started: Callable[[], None], answered: Callable[[Outcome], None]) -> None:
        self._started, self._answered = started, answered
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind("\0" + name)
        self._listener.listen()
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        """Ends the thread; a close alone does not wake who accepts."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                runtime, _ = self._listener.accept()
                threading.Thread(target=self._hear, args=(runtime,), daemon=True).start()

    def _hear(self, runtime: socket.socket) -> None:
        """A torn last frame is a runtime that died, and tells nothing."""
        with suppress(OSError), runtime, runtime.makefile("rb") as stream:
            while len(head := stream.read(5)) == 5:
                length = int.from_bytes(head[1:], "big")
                body = stream.read(length)
                if head[:1] == b"F":
                    self._started()
                    runtime.send(b".")
                elif len(body) == length:
                    self._answered(Outcome(body, failed=head[:1] == b"E"))
