"""`taps.yaml` and the files it includes: people, teams and taps of all of them, each with the tree it stands in."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mesh.spec.compose import read_tree
from mesh.spec.nodes import Path_, Tree
from mesh.spec.validate import FAULTY

INCLUDED = ("people", "teams", "taps")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")


@dataclass
class Parts:
    """`trees`: of all files that could be read, the main one first. `members`: by kind and name, what stands there and in which tree."""

    files: list[Path] = field(default_factory=list)
    trees: list[Tree] = field(default_factory=list)
    members: dict[str, dict[str, tuple[Tree, Any]]] = field(default_factory=lambda: {kind: {} for kind in INCLUDED})

    def read(self, file: Path) -> Tree:
        """Adds a file, its members too; notes what is wrong with it."""
        tree = read_tree(file)
        self.files.append(file)
        self.trees.append(tree)
        for kind in INCLUDED if isinstance(tree.value, dict) else ():
            self._gather(kind, tree)
        return tree

    def include(self, index: int, pattern: str) -> None:
        """Adds the files of one pattern of the main file's `include`."""
        where: Path_ = ("include", index)
        top = self.trees[0]
        if pattern == FAULTY:
            return None
        if pattern.startswith("/") or ".." in Path(pattern).parts:
            return top.say(where, f"{pattern}: expected a pattern below this file's folder, without ..")
        try:
            files = sorted(file for file in top.file.parent.glob(pattern) if file.is_file())
        except (ValueError, NotImplementedError, OSError) as error:
            return top.say(where, f"{pattern or 'an empty text'} is not a pattern: {error}")
        if not files:
            return top.say(where, f"{pattern}: no such file; a pattern names files, like teams/*/taps.yaml")
        for file in files:
            if file not in self.files:
                self._included(file)
        return None

    def _included(self, file: Path) -> None:
        tree = self.read(file)
        for key in tree.value or ():
            if key not in INCLUDED:
                tree.say((key,), f"not in an included file, which has {', '.join(INCLUDED)} only")

    def _gather(self, kind: str, tree: Tree) -> None:
        found = tree.value.get(kind)
        if found is None:
            return
        if not isinstance(found, dict):
            tree.say((kind,), "expected names with keys and values below them")
            return
        known = self.members[kind]
        for name, value in found.items():
            if name in known:
                first = known[name][0]
                file = first.file.relative_to(self.files[0].parent)
                tree.say((kind, name), f"stands twice; first in {file} line {first.mark((kind, name)).line}")
                continue
            if not _NAME.fullmatch(name):
                tree.say((kind, name), "a name is a-z, then a-z, 0-9 and _, at most 30 characters")
            known[name] = (tree, value)
