"""`sources` of `taps.yaml`: each one's keys, the tap it reads into, and what its function can be given."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from mesh.spec.language import SourceKeys
from mesh.spec.mesh import Source, Tap
from mesh.spec.nodes import Path_, Tree
from mesh.spec.problems import did_you_mean
from mesh.spec.rest import check_together, rest_source
from mesh.spec.validate import FAULTY, validate

_NAME = re.compile(r"[a-z][a-z0-9_]{0,23}")  # mesh, stack and what it is are in its function's name too
_VARIABLE = re.compile(r"(?!AWS_|LAMBDA_|TAPMESH_)[A-Z][A-Z0-9_]*")
_MOST_BYTES = 2500  # of the 4 KB that Lambda takes as a function's environment, the secrets among them


def make_sources(tree: Tree, declared: Mapping[str, tuple[Tree, Any]], taps: Mapping[str, Tap]) -> dict[str, Source]:
    """The good ones. `declared`: the taps as they stand, each with its file; `taps`: those without problems."""
    found = tree.value.get("sources")
    if found is not None and not isinstance(found, dict):
        tree.say(("sources",), "expected names with keys and values below them")
    made = {name: _source(name, value, tree, declared, taps) for name, value in (found.items() if isinstance(found, dict) else ())}
    return {name: source for name, source in made.items() if source is not None}


def check_into(tap: str, where: Path_, tree: Tree, declared: Mapping[str, tuple[Tree, Any]]) -> None:
    """Notes a tap that is not there, or takes nothing."""
    if tap not in (FAULTY, *declared):
        tree.say(where, f"{tap} is not in taps; {did_you_mean(tap, declared)}")
    elif isinstance(value := declared.get(tap, (tree, None))[1], dict) and value.get("closed") is True:
        tree.say(where, f"{tap} is closed, so it has no URL to send to")


def _source(name: str, value: Any, tree: Tree, declared: Mapping[str, tuple[Tree, Any]], taps: Mapping[str, Tap]) -> Source | None:
    path: Path_ = ("sources", name)
    if not _NAME.fullmatch(name):
        tree.say(path, "a source's name is a-z, then a-z, 0-9 and _, at most 24 characters")
    keys = validate(SourceKeys, value, tree, path)
    if keys is None:
        return None
    check_into(keys.into, (*path, "into"), tree, declared)
    if keys.into in taps and taps[keys.into].ack != "stored":
        text = f"{keys.into} is buffered: it may lose what the source would not send again; set ack: stored for it"
        tree.say((*path, "into"), text)
    check_together(keys.rest, tree, (*path, "rest"))
    source = Source(name, keys.into, keys.every, rest_source(keys.rest), tree.mark((*path, "into")))
    _check_size(source, tree, (*path, "rest"))
    return source


def _check_size(source: Source, tree: Tree, path: Path_) -> None:
    for variable in source.rest.variables():
        if not _VARIABLE.fullmatch(variable):
            text = f"${{{variable}}} cannot be given to its function: a name is A-Z, 0-9 and _, without AWS_, LAMBDA_ or TAPMESH_ before it"
            tree.say(path, text)
    if (size := len(msgspec.json.encode(source.rest))) > _MOST_BYTES:
        tree.say(path, f"{size:,} bytes as JSON; at most {_MOST_BYTES:,}, as it stands in its function's environment")
