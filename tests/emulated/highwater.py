"""The most memory an environment needed that the kernel could not have taken back: the kernel itself keeps the peak of everything only."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.emulated.environment import Environment


@dataclass
class HighWater:
    """Bytes; looked at every few milliseconds, so that a shorter peak may be missed."""

    anonymous: int = 0


@contextmanager
def high_water(environment: Environment, every_s: float = 0.005) -> Iterator[HighWater]:
    """Watches while the block runs."""
    mark, over = HighWater(), threading.Event()

    def watch() -> None:
        while not over.wait(every_s):
            mark.anonymous = max(mark.anonymous, environment.anonymous())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield mark
    finally:
        over.set()
        watcher.join()
