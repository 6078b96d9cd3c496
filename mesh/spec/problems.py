"""A problem in `taps.yaml` or a team's SQL, with the place it stands at."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mesh.spec.mesh import Mark


@dataclass(frozen=True)
class Problem:
    """What is wrong at `path` (like taps.clicks.sql), what is allowed, and the likely meaning."""

    mark: Mark
    path: str
    text: str

    def file(self, root: Path) -> Path:
        """Where it stands, as seen from `root`."""
        file = self.mark.file
        return file.relative_to(root) if file.is_relative_to(root) else file

    def line(self, root: Path) -> str:
        """`file:line:column path: text`, the file as seen from `root`."""
        return f"{self.file(root)}:{self.mark.line}:{self.mark.column} {self.path + ': ' if self.path else ''}{self.text}"


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """By file, line and column, each once."""
    return tuple(sorted(set(problems), key=lambda p: (str(p.mark.file), p.mark.line, p.mark.column, p.path, p.text)))


def did_you_mean(word: str, allowed: Iterable[str]) -> str:
    """` did you mean x?`, or the list of what is allowed."""
    names = sorted(allowed)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]}?"
    return f"allowed: {', '.join(names)}" if names else "there are none yet"
