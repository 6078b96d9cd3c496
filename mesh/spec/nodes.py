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
MAX_ALIASES = 1_000
MAX_DEPTH = 50
_INT = re.compile(r"[-+]?(0|[1-9]\d*)", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\d+\.\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_UNKEPT = re.compile("[\0\ud800-\udfff]")
_WORDS: dict[str, bool | None] = {"true": True, "True": True, "false": False, "False": False, "null": None, "~": None, "": None}


@dataclass
class Tree:
    """A file's values and where each stands: `marks` by path, the key's own for members of a map."""

    file: Path
    value: Any = None
    marks: dict[Path_, Mark] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    nodes: int = 0
    aliases: int = 0
    seen: set[int] = field(default_factory=set)

    def mark(self, path: Path_) -> Mark:
        """The mark of the nearest thing at or above `path`."""
        while path not in self.marks and path:
            path = path[:-1]
        return self.marks.get(path, Mark(self.file, 1, 1))

    def say(self, mark: Mark, path: Path_, text: str) -> None:
        """Notes a problem."""
        self.problems.append(Problem(mark, dotted(path), text))


@dataclass(frozen=True)
class At:
    """A tap's place: its tree, its path, and the main file's tree, where defaults stand."""

    tree: Tree
    path: Path_
    top: Tree

    def mark(self, *where: str | int) -> Mark:
        """The mark of a key of the tap, or of the default it has instead."""
        if where and (*self.path, where[0]) not in self.tree.marks and ("defaults", where[0]) in self.top.marks:
            return self.top.mark(("defaults", *where))
        return self.tree.mark((*self.path, *where))

    def say(self, text: str, *where: str | int) -> None:
        """Notes a problem of the tap."""
        self.tree.say(self.mark(*where), (*self.path, *where), text)


def dotted(path: Path_) -> str:
    """`taps.clicks.sql`; a part with characters that do not print is quoted."""
    return ".".join(part if part.isprintable() else repr(part) for part in map(str, path))


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
            tree.value = None if tree.nodes > MAX_NODES else tree.value
    return tree


def _yaml_mark(error: Exception, file: Path) -> Mark:
    at = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return Mark(file, at.line + 1, at.column + 1) if at is not None else Mark(file, 1, 1)


def _plain(tree: Tree, node: yaml.Node, path: Path_) -> Any:
    tree.nodes += 1
    here = Mark(tree.file, node.start_mark.line + 1, node.start_mark.column + 1)
    tree.marks.setdefault(path, here)
    if isinstance(node, yaml.ScalarNode):
        return _scalar(tree, node, path, here)
    tree.aliases += id(node) in tree.seen
    tree.seen.add(id(node))
    if tree.nodes > MAX_NODES or tree.aliases > MAX_ALIASES or len(path) > MAX_DEPTH:
        if tree.nodes <= MAX_NODES + 1:
            text = f"too large: at most {MAX_DEPTH} levels, {MAX_NODES:,} values, {MAX_ALIASES:,} lists and maps repeated by *aliases"
            tree.say(here, path[:3], text)
        tree.nodes = MAX_NODES + 2
        return None
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
        name = _UNKEPT.sub("?", str(key.value))
        if name == "<<" and not key.style:
            tree.say(mark, path, "merge keys (<<) are not read; defaults: are for what all taps share")
            continue
        if name in found:
            tree.say(mark, (*path, name), f"stands twice; first on line {tree.mark((*path, name)).line}")
            continue
        tree.marks[(*path, name)] = mark
        found[name] = _plain(tree, child, (*path, name))
    return found


def _scalar(tree: Tree, node: yaml.ScalarNode, path: Path_, here: Mark) -> Any:
    text = str(node.value)
    if _UNKEPT.search(text):
        tree.say(here, path, "text with a NUL or half a surrogate pair, which nothing can keep")
        return _UNKEPT.sub("?", text)
    if node.style in ("'", '"', "|", ">"):
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text) and len(text) < 19:
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) and len(text) < 30 else text
