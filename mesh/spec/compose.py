"""YAML text -> a `Tree`, from the parser's events.

Unlike safe_load it resolves words as YAML 1.2 does (`on` and dates stay text), keeps no second of two equal keys, and bounds how deep a
file is and what its aliases grow to: PyYAML's own composer overruns the C stack at 100,000 brackets.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from mesh.spec.layout import explain
from mesh.spec.nodes import Node, Path_, Place, Tree

MAX_NODES = 1_000_000
MAX_DEPTH = 50
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?(0|[1-9]\d*)", re.ASCII)  # 0123 stays text: account ids may start with 0
_FLOAT = re.compile(r"[-+]?(\d+\.\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_LONGEST_NUMBER = 30
_UNKEPT = re.compile("[\0\ud800-\udfff]")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", "")),
}
_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = {"!", f"{_TAG}str"}
_TAGS = {None, *_TEXT_TAGS, *(_TAG + name for name in ("map", "seq", "int", "float", "bool", "null"))}


class _Unreadable(Exception):
    """Nothing of the file can be used; the problem is noted already."""


def read_tree(file: Path) -> Tree:
    """The file's tree; what is wrong with the file itself is in its problems."""
    tree = Tree(file)
    try:
        _read(tree, file.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        tree.say((), "not UTF-8; save the file as UTF-8", tree.at((error.object.count(b"\n", 0, error.start) + 1, 1)))
    except OSError as error:
        tree.say((), f"cannot be read: {error.strerror}")
    return tree


def _read(tree: Tree, text: str) -> None:
    try:
        root = _Composer(tree, text).document()
    except _Unreadable:
        return
    except yaml.MarkedYAMLError as error:
        place, fault = explain(text, error)
        tree.say((), f"not YAML: {fault}", tree.at(place))
        return
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = (before.count("\n") + 1, len(before) - before.rfind("\n"))
        tree.say((), f"not YAML: {str(error).splitlines()[0]}", tree.at(place))
        return
    if isinstance(root.value, dict):
        tree.root = root
    elif not tree.problems:
        found = "the file is empty; tapmesh schema lists its keys" if root.value is None else "expected keys and values"
        tree.say((), found + ("" if root.value is None else " (version: 1, mesh: …, taps: …)"))


class _Composer:
    """Builds nodes from events, keeping what anchors name."""

    def __init__(self, tree: Tree, text: str) -> None:
        self._tree = tree
        self._events = self._parsed(text)
        self._anchors: dict[str, Node | None] = {}  # None: being built, an alias to it stands inside itself

    @staticmethod
    def _parsed(text: str) -> Iterator[Any]:
        loader = LOADER(text)
        while loader.check_event():
            yield loader.get_event()

    def document(self) -> Node:
        """The file's one document."""
        root: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    self._say(event, (), "a second document starts here (---); a mesh is one")
                    raise _Unreadable
                root = self._node(next(self._events), ())
        return root or Node((1, 1))

    def _say(self, event: Any, path: Path_, text: str) -> None:
        self._tree.say(path, text, self._tree.at(_place(event)))

    def _node(self, event: Any, path: Path_) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._named(event, path)
        if len(path) > MAX_DEPTH:
            self._say(event, (), f"nested more than {MAX_DEPTH} deep")
            raise _Unreadable
        node = Node(_place(event))
        if event.anchor:
            self._anchors[event.anchor] = None
        if event.tag not in _TAGS:
            self._say(event, path, f"the tag {event.tag.replace(_TAG, '!!')} is not taken; leave it out")
        self._fill(node, event, path)
        if node.size > MAX_NODES:
            self._say(event, path, f"stands for more than {MAX_NODES:,} values, its *aliases counted out")
            raise _Unreadable
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _fill(self, node: Node, event: Any, path: Path_) -> None:
        if isinstance(event, yaml.ScalarEvent):
            node.value = self._scalar(event, path)
        elif isinstance(event, yaml.SequenceStartEvent):
            while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
                node.items.append(self._node(event, (*path, len(node.items))))
            node.value = [item.value for item in node.items]
            node.size += sum(item.size for item in node.items)
        else:
            while not isinstance(event := next(self._events), yaml.MappingEndEvent):
                self._fill_member(node, event, path)
            node.value = {name: child.value for name, (_, child) in node.members.items()}
            node.size += sum(child.size for _, child in node.members.values())

    def _fill_member(self, node: Node, key: Any, path: Path_) -> None:
        if not isinstance(key, yaml.ScalarEvent):
            self._say(key, path, "a key is a word")
            raise _Unreadable
        name = _UNKEPT.sub("?", str(key.value))
        child = self._node(next(self._events), (*path, name))
        if name == "<<" and key.implicit[0]:
            self._say(key, path, "merge keys (<<) are not read; defaults: are for what all taps share, *aliases for whole values")
        elif name in node.members:
            self._say(key, (*path, name), f"stands twice; first on line {node.members[name][0][0]}")
        else:
            node.members[name] = (_place(key), child)

    def _named(self, event: Any, path: Path_) -> Node:
        node = self._anchors.get(event.anchor)
        if node is None:
            endless = "stands inside what it names, which has no end"
            fault = endless if event.anchor in self._anchors else f"names nothing; &{event.anchor} has to stand above it"
            self._say(event, path, f"the alias *{event.anchor} {fault}")
            raise _Unreadable
        return node

    def _scalar(self, event: yaml.ScalarEvent, path: Path_) -> Any:
        text = str(event.value)
        if _UNKEPT.search(text):
            self._say(event, path, "text with a NUL or half a surrogate pair, which nothing can keep")
            return _UNKEPT.sub("?", text)
        if not event.implicit[0] or event.tag in _TEXT_TAGS:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if len(text) < _LONGEST_NUMBER and _INT.fullmatch(text):
            return int(text)
        return float(text) if len(text) < _LONGEST_NUMBER and _FLOAT.fullmatch(text) else text


def _place(event: Any) -> Place:
    mark = event.start_mark
    return mark.line + 1, mark.column + 1
