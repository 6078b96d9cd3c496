"""A file's values with the place of each, and what is wrong with the file so far."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mesh.spec.mesh import Mark
from mesh.spec.problems import Problem

Path_ = tuple[str | int, ...]
Place = tuple[int, int]  # line and column, both counted from 1


@dataclass(slots=True)
class Node:
    """A value and its place; `size` is how many values it stands for, aliases counted out."""

    place: Place
    value: Any = None
    size: int = 1
    items: list["Node"] = field(default_factory=list)
    members: dict[str, tuple[Place, "Node"]] = field(default_factory=dict)  # each with the place of its key


@dataclass
class Tree:
    """One YAML file; without a `root` there is nothing in it to look at."""

    file: Path
    root: Node = field(default_factory=lambda: Node((1, 1)))
    problems: list[Problem] = field(default_factory=list)

    @property
    def value(self) -> Any:
        """The file's content as plain values: a map, or None."""
        return self.root.value

    def at(self, place: Place) -> Mark:
        """A place of this file."""
        return Mark(self.file, *place)

    def mark(self, path: Path_) -> Mark:
        """The mark of the nearest thing at or above `path`; of members of a map the key's own."""
        return self.at(self._find(path)[1])

    def has(self, path: Path_) -> bool:
        """Whether `path` stands in this file."""
        return self._find(path)[0] == len(path)

    def say(self, path: Path_, text: str, mark: Mark | None = None) -> None:
        """Notes a problem of what is at `path`, where that stands or at `mark`."""
        self.problems.append(Problem(mark or self.mark(path), dotted(path), text))

    def _find(self, path: Path_) -> tuple[int, Place]:
        node, place = self.root, self.root.place
        for depth, part in enumerate(path):
            if isinstance(part, str) and part in node.members:
                place, node = node.members[part]
            elif isinstance(part, int) and part < len(node.items):
                node = node.items[part]
                place = node.place
            else:
                return depth, place
        return len(path), place


@dataclass(frozen=True)
class At:
    """A tap's place: its tree, its path, and the main file's tree, where defaults stand."""

    tree: Tree
    path: Path_
    top: Tree

    def mark(self, *where: str | int) -> Mark:
        """The mark of a key of the tap, or of the default it has instead."""
        if where and not self.tree.has((*self.path, where[0])) and self.top.has(("defaults", where[0])):
            return self.top.mark(("defaults", *where))
        return self.tree.mark((*self.path, *where))

    def say(self, text: str, *where: str | int) -> None:
        """Notes a problem of the tap."""
        self.tree.say((*self.path, *where), text, self.mark(*where))


def dotted(path: Path_) -> str:
    """`taps.clicks.sql`; a part with characters that do not print is quoted."""
    return ".".join(part if part.isprintable() else repr(part) for part in map(str, path))
