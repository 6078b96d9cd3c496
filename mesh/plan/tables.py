"""A tap's output columns -> the Glue table Athena reads its Parquet by, partitions projected from the keys."""

from functools import lru_cache
from typing import Any

import duckdb

from mesh.plan.model import GlueColumn, Table
from mesh.plan.names import Names
from mesh.spec.mesh import Tap
from mesh.spec.outputs import RESERVED

YEARS = "2026,2035"  # a constant of the release: one by the clock would change every table each January
_RANGES = {"year": YEARS, "month": "1,12", "day": "1,31", "hour": "0,23"}
_LONGEST_NAME = 255

# What DuckDB's Parquet reads as in Athena. UINTEGER, UBIGINT, TIME, UUID and JSON are not here: `mesh.spec.outputs` has them cast.
_SCALARS = {
    "BOOLEAN": "boolean",
    "TINYINT": "tinyint",
    "SMALLINT": "smallint",
    "INTEGER": "int",
    "BIGINT": "bigint",
    "UTINYINT": "smallint",  # the next wider one: Athena has no unsigned numbers
    "USMALLINT": "int",
    "FLOAT": "float",
    "DOUBLE": "double",
    "VARCHAR": "string",
    "BLOB": "binary",
    "DATE": "date",
    "TIMESTAMP": "timestamp",  # shown to the millisecond; the files have microseconds
    "TIMESTAMP WITH TIME ZONE": "timestamp",  # stored as UTC, which is Athena's zone
}


class Unnameable(Exception):
    """Athena has no way to write a name of the column."""


def table(names: Names, tap: Tap) -> tuple[Table, tuple[str, ...]]:
    """The table, and the columns left out of it because Athena could not name them (the files have them all the same)."""
    columns, left_out = [], []
    for column in tap.output:
        try:
            columns.append(GlueColumn(_named(column.name), athena_type(column.type)))
        except Unnameable:
            left_out.append(column.name)
    location = f"s3://{names.bucket}/{tap.name}/data/"
    partitions = tuple(GlueColumn(name, "int") for name in RESERVED)
    return Table(names.database, tap.name, tap.about, location, tuple(columns), partitions, _parameters(location)), tuple(left_out)


def _parameters(location: str) -> dict[str, str]:
    """Partitions are computed from the query's filter, never listed or registered."""
    parameters = {"EXTERNAL": "TRUE", "classification": "parquet", "projection.enabled": "true"}
    for name, numbers in _RANGES.items():
        parameters |= {f"projection.{name}.type": "integer", f"projection.{name}.range": numbers}
        parameters |= {} if name == "year" else {f"projection.{name}.digits": "2"}
    return parameters | {"storage.location.template": location + "/".join(f"{name}=${{{name}}}" for name in RESERVED)}


def athena_type(kind: str) -> str:
    """DuckDB's type, as `mesh.spec.outputs` leaves it, in Athena's words; raises Unnameable."""
    return _SCALARS.get(kind) or _nested(kind)


@lru_cache(maxsize=10_000)
def _nested(kind: str) -> str:
    return _convert(duckdb.sqltype(kind))


def _convert(found: Any) -> str:
    match found.id:
        case "struct":
            return f"struct<{','.join(f'{_field(name)}:{_convert(child)}' for name, child in found.children)}>"
        case "list":
            return f"array<{_convert(found.children[0][1])}>"
        case "map":
            return f"map<{','.join(_convert(child) for _, child in found.children)}>"
        case "decimal":
            (_, precision), (_, scale) = found.children
            return f"decimal({precision},{scale})"
    return _SCALARS[str(found)]


def _named(name: str) -> str:
    """Athena's names are in lower case and match the files' whatever their case."""
    if len(name.encode()) > _LONGEST_NAME or "," in name or not name.isprintable():
        raise Unnameable(name)
    return name.lower()


def _field(name: str) -> str:
    """Inside of a struct's type nothing can be quoted."""
    if not name.isascii() or not name.replace("_", "a").isalnum():
        raise Unnameable(name)
    return _named(name)
