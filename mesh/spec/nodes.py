"""YAML text -> plain values, with the mark of each. Unlike safe_load it keeps no second of two equal keys and turns no `on` into True."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mesh.spec.mesh import Mark
from mesh.spec.problems import Problem

Path_ = tuple[str | int, ...]
MAX_NODES = 1_000_000
MAX_DEPTH = 50
_INT = re.compile(r"[-+]?\d+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\d+\.\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_WORDS: dict[str, bool | None] = {"true": True, "True": True, "false": False, "False": False, "null": None, "~": None, "": None}


@dataclass
class Tree:
    """A file's values and where each stands: `marks` by path, the key's own for members of a map."""

    file: Path
    value: Any = None
    marks: dict[Path_, Mark] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    nodes: int = 0

    def mark(self, path: Path_) -> Mark:
        """The mark of the nearest thing at or above `path`."""
        while path not in self.marks and path:
            path = path[:-1]
        return self.marks.get(path, Mark(self.file, 1, 1))

    def say(self, mark: Mark, path: Path_, text: str) -> None:
        """Notes a problem."""
        self.problems.append(Problem(mark, ".".join(map(str, path)), text))


def read_tree(file: Path) -> Tree:
    """The file's tree; what is wrong with the file itself is in its problems."""
    tree = Tree(file)
    start = Mark(file, 1, 1)
    try:
        node = yaml.compose(file.read_bytes().decode(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except UnicodeDecodeError:
        tree.say(start, (), "not UTF-8; save the file as UTF-8")
    except OSError as error:
        tree.say(start, (), f"cannot be read: {error.strerror}")
    except (yaml.YAMLError, RecursionError) as error:
        tree.say(_yaml_mark(error, file), (), f"not YAML: {getattr(error, 'problem', None) or str(error).splitlines()[0]}")
    else:
        if not isinstance(node, yaml.MappingNode):
            tree.say(
                start,
                (),
                "expected keys and values (version: 1, mesh: …, taps: …)" if node else "the file is empty; tapmesh schema lists its keys",
            )
        else:
            tree.value = _plain(tree, node, ())
    return tree


def _yaml_mark(error: Exception, file: Path) -> Mark:
    at = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return Mark(file, at.line + 1, at.column + 1) if at is not None else Mark(file, 1, 1)


def _plain(tree: Tree, node: yaml.Node, path: Path_) -> Any:
    tree.nodes += 1
    here = Mark(tree.file, node.start_mark.line + 1, node.start_mark.column + 1)
    tree.marks.setdefault(path, here)
    if tree.nodes > MAX_NODES or len(path) > MAX_DEPTH:
        if tree.nodes <= MAX_NODES + 1:
            tree.say(here, path[:3], "too large or too deeply nested, aliases counted out")
        tree.nodes = MAX_NODES + 2
        return None
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(tree, child, (*path, index)) for index, child in enumerate(node.value)]
    return _map(tree, node, path)


def _map(tree: Tree, node: yaml.Node, path: Path_) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, child in node.value:
        mark = Mark(tree.file, key.start_mark.line + 1, key.start_mark.column + 1)
        if not isinstance(key, yaml.ScalarNode):
            tree.say(mark, path, "a key is a word")
            continue
        name = str(key.value)
        if name in found:
            tree.say(mark, (*path, name), f"stands twice; first on line {tree.mark((*path, name)).line}")
            continue
        tree.marks[(*path, name)] = mark
        found[name] = _plain(tree, child, (*path, name))
    return found


def _scalar(node: yaml.ScalarNode) -> Any:
    text = str(node.value)
    if node.style in ("'", '"', "|", ">"):
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text) and len(text) < 19:
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) and len(text) < 30 else text
