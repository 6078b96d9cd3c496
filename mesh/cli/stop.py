"""An end that is asked for: the first SIGINT or SIGTERM lets what is under way be finished, a second one interrupts it."""

import os
import select
import signal
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """`descriptor` can be read once the end was asked for: a handler that raised would lose what was just read."""

    def __init__(self) -> None:
        self.descriptor, self._write = os.pipe()
        for name in _SIGNALS:
            if signal.getsignal(name) is not signal.SIG_IGN:  # a script's background job ignores Ctrl-C
                signal.signal(name, self._ask)

    def ask(self) -> None:
        """The end, by the program itself."""
        os.write(self._write, b"!")

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.ask()
        for name in _SIGNALS:
            signal.signal(name, signal.default_int_handler)

    def within(self, seconds: float) -> bool:
        """Waits that long, or until the end is asked for; whether it is."""
        return bool(select.select([self.descriptor], [], [], seconds)[0])
