"""Whether a bench is within its targets: said at each of them, and by the exit code at the end."""

import sys


class Targets:
    """What has been met so far, and what missed."""

    def __init__(self) -> None:
        self.missed: list[str] = []

    def verdict(self, name: str, met: bool) -> str:
        """Met or missed, as text."""
        self.missed += [] if met else [name]
        return "met" if met else "MISSED"

    def end(self) -> None:
        """Exits 1 when one was missed."""
        if self.missed:
            sys.exit(f"missed: {'; '.join(self.missed)}")
