"""An index's mapping -> the `schema` of a tap, each type tried on documents, as a mapping does not tell a list from a value."""

from typing import Any, Literal, NamedTuple

import msgspec

from mesh.kits.delivery import KitFailed
from mesh.kits.opensearch.cluster import Cluster
from mesh.kits.opensearch.index import indices
from mesh.kits.opensearch.lines import line
from mesh.kits.opensearch.pages import search
from mesh.spec.types import parse_column
from tap_runtime.records import Checker
from tap_runtime.settings import TapSettings

_TRIED = 500
_LONGEST_BYTES = 900_000
_NUMBERS = {
    "long": "BIGINT",
    "integer": "INTEGER",
    "short": "SMALLINT",
    "byte": "TINYINT",
    "unsigned_long": "UBIGINT",
    **dict.fromkeys(("double", "float", "half_float", "scaled_float"), "DOUBLE"),
}
_TEXTS = ("keyword", "constant_keyword", "wildcard", "text", "match_only_text", "ip", "version", "binary", "date_nanos")
_SIMPLE = {**_NUMBERS, **dict.fromkeys(_TEXTS, "VARCHAR"), "boolean": "BOOLEAN"}


class _Field(msgspec.Struct, frozen=True):
    type: str = "object"


class _Properties(msgspec.Struct, frozen=True):
    properties: dict[str, _Field] = {}


class _Mapping(msgspec.Struct, frozen=True):
    mappings: _Properties


class Kind(NamedTuple):
    """A column's type as taps.yaml has it."""

    type: str
    epoch: Literal["s", "ms"] | None = None


def columns(cluster: Cluster, name: str) -> dict[str, str | dict[str, str]]:
    """The `schema` for the fields of all indices of that name; a field that no type takes in all documents tried is JSON."""
    found = indices(cluster, name)
    fields: dict[str, str] = {}
    for index in found:
        for mapping in cluster.ask("GET", f"{index.path}/_mapping", None, dict[str, _Mapping]).values():
            for field, kind in mapping.mappings.properties.items():
                fields[field] = kind.type if fields.get(field, kind.type) == kind.type else "object"
    if not fields:
        raise KitFailed(f"the mapping of {name} has no fields", "put documents into it first, or leave the tap without a schema")
    tried = b"".join(each for index in found for each in _some(cluster, index.path, -(-_TRIED // len(found))))
    return {field: _written(_first_taken(field, _kinds(kind), tried)) for field, kind in _allowed(fields).items()}


def _allowed(fields: dict[str, str]) -> dict[str, str]:
    """Those that can be a column; the others are extra fields. A mapping's alias is no field of a document."""
    of_its_case = {field.lower(): field for field in reversed(fields)}
    good = [field for field in fields if of_its_case[field.lower()] == field and not field.startswith("_")]
    return {field: fields[field] for field in good if fields[field] != "alias"}


def _some(cluster: Cluster, path: str, count: int) -> list[bytes]:
    """Documents drawn by lot, as records."""
    asked: dict[str, Any] = {"size": count, "seq_no_primary_term": True, "query": {"function_score": {"random_score": {}}}}
    drawn = (line(hit) for hit in search(cluster, f"{path}/_search", asked).hits.hits)
    return [each for each in drawn if len(each) < _LONGEST_BYTES]


def _kinds(mapped: str) -> list[Kind]:
    """What a field may be, the likeliest first."""
    if mapped == "date":
        return [Kind("TIMESTAMP"), Kind("TIMESTAMP", "ms"), Kind("VARCHAR"), Kind("JSON")]
    if mapped not in _SIMPLE:
        return [Kind("JSON")]
    return [Kind(_SIMPLE[mapped]), Kind(f"{_SIMPLE[mapped]}[]"), Kind("JSON")]


def _first_taken(field: str, kinds: list[Kind], tried: bytes) -> Kind:
    return next(kind for kind in kinds if kind is kinds[-1] or _takes(field, kind, tried))


def _takes(field: str, kind: Kind, tried: bytes) -> bool:
    column = parse_column(field, kind.type, kind.epoch, None)
    settings = TapSettings(mesh="", tap="", owner="", issuer="", sql="", columns=(column,), output=())
    return Checker(settings).check(tried, "").refused == 0


def _written(kind: Kind) -> str | dict[str, str]:
    return kind.type if kind.epoch is None else {"type": kind.type, "epoch": kind.epoch}
