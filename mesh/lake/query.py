"""SQL over a lake: a view for each tap, `_quarantine`, `_manifests` and `_senders`, in a DuckDB that can reach nothing but the lake."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import duckdb

from mesh.lake.place import Place, newest_settings
from mesh.lake.reach import Reach
from tap_runtime import lake
from tap_runtime.sandbox import literal, lock, quote
from tap_runtime.settings import TapSettings
from tap_runtime.store import ObjectStore

_CONFIG: dict[str, str | bool | int | float | list[str]] = {"autoinstall_known_extensions": False, "python_enable_replacements": False}
_PARTITIONS = ("year", "month", "day", "hour")
_HIVE = f"hive_partitioning=true, hive_types={{{', '.join(f'{name}: INTEGER' for name in _PARTITIONS)}}}"
_COUNTS = ("requests", "received", "accepted", "refused", "read", "quarantined", "duplicates", "rows")
_MANIFEST = {
    "tap": "VARCHAR",
    "batch": "VARCHAR",
    "opened_at": "TIMESTAMP",
    "landed_at": "TIMESTAMP",
    "counts": f"STRUCT({', '.join(f'{name} BIGINT' for name in _COUNTS)})",
    "senders": "STRUCT(sender VARCHAR, requests BIGINT, accepted BIGINT, refused BIGINT)[]",
    "faults": "MAP(VARCHAR, BIGINT)",
    "files": 'STRUCT(kind VARCHAR, "key" VARCHAR, "rows" BIGINT, bytes BIGINT, sha256 VARCHAR)[]',
    "settings": "VARCHAR",
}
_SENDERS = """
CREATE VIEW _senders AS
SELECT tap, sender.sender AS sender, opened_at, landed_at, sender.requests AS requests, sender.accepted AS accepted,
    sender.refused AS refused, batch
FROM (SELECT *, unnest(senders) AS sender FROM _manifests)
"""
_QUARANTINED = {
    "record": "VARCHAR",
    "record_base64": "VARCHAR",
    "reason": "VARCHAR",
    "sender": "VARCHAR",
    "received_at": "TIMESTAMP",
    "request": "BIGINT",
    "line": "BIGINT",
    "lines": "BIGINT",
}


def open_lake(
    place: Place, scratch: Path, limits: Mapping[str, str] = MappingProxyType({}), reach: Reach | None = None
) -> duckdb.DuckDBPyConnection:
    """A connection with the lake's views that reaches the lake, or no more than `reach` of it, and `scratch`; raises NoLake or LakeDown."""
    store = place.store()
    connection = duckdb.connect(":memory:", config=_CONFIG | dict(limits))
    connection.execute("SET TimeZone='UTC'")
    if place.is_s3:
        from obstore.fsspec import FsspecStore

        connection.register_filesystem(FsspecStore("s3"))
    taps = newest_settings(store)
    everything = frozenset(taps)
    within = reach or Reach(everything, everything)
    for tap in sorted(within.data & everything):
        connection.execute(_tap_view(place, store, tap, taps[tap]))
    connection.execute(_manifests(place, store, within))
    connection.execute(_SENDERS)
    connection.execute(_quarantine(place, store, within))
    folders = [place.path(folder).rstrip("/") for folder in ([""] if reach is None else reach.folders())]
    connection.execute(f"SET allowed_directories={_list([f'{folder}/' for folder in (*folders, scratch)])}")
    lock(connection)
    return connection


def _paths(place: Place, keys: Iterable[str], ending: str) -> list[str]:
    return sorted(place.path(key) for key in keys if key.endswith(ending))


def _own(store: ObjectStore, prefix: str, within: Reach) -> Iterator[str]:
    """Objects below `_mesh/<kind>/<tap>/` of the taps that are somebody's own."""
    return (entry.key for entry in store.list(prefix) if entry.key.split("/")[2] in within.own)


def _list(paths: list[str]) -> str:
    return f"[{', '.join(map(literal, paths))}]"


def _empty(name: str, columns: dict[str, str]) -> str:
    selected = ", ".join(f"NULL::{kind} AS {quote(column)}" for column, kind in columns.items())
    return f"CREATE VIEW {quote(name)} AS SELECT {selected} WHERE false"


def _tap_view(place: Place, store: ObjectStore, tap: str, settings: TapSettings) -> str:
    paths = _paths(place, (entry.key for entry in store.list(f"{tap}/data/")), ".parquet")
    if not paths:
        return _empty(tap, {column.name: column.type for column in settings.output} | dict.fromkeys(_PARTITIONS, "INTEGER"))
    names = ", ".join(_PARTITIONS)  # which DuckDB puts in order of the alphabet
    return f"CREATE VIEW {quote(tap)} AS SELECT * EXCLUDE ({names}), {names} FROM read_parquet({_list(paths)}, union_by_name=true, {_HIVE})"


def _json(paths: list[str], columns: dict[str, str], more: str = "") -> str:
    typed = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in columns.items())
    return f"read_json({_list(paths)}, columns={{{typed}}}, format='newline_delimited', maximum_object_size=100000000{more})"


def _manifests(place: Place, store: ObjectStore, within: Reach) -> str:
    paths = _paths(place, _own(store, lake.LANDED, within), ".json")
    columns = {name: kind for name, kind in _MANIFEST.items() if name != "counts"} | dict.fromkeys(_COUNTS, "BIGINT")
    if not paths:
        return _empty("_manifests", columns)
    return f"CREATE VIEW _manifests AS SELECT * EXCLUDE (counts), counts.* FROM {_json(paths, _MANIFEST)}"


def _quarantine(place: Place, store: ObjectStore, within: Reach) -> str:
    paths = _paths(place, _own(store, "_mesh/quarantine/", within), ".ndjson.gz")
    if not paths:
        return _empty("_quarantine", {"tap": "VARCHAR", "reason": "VARCHAR"} | _QUARANTINED | {"batch": "VARCHAR"})
    parts = "split(filename, '/')"
    source = _json(paths, _QUARANTINED, ", filename=true, compression='gzip'")
    where = f"{parts}[-3] AS tap, reason, record, record_base64, sender, received_at, request, line, lines"
    return f"CREATE VIEW _quarantine AS SELECT {where}, replace({parts}[-1], '.ndjson.gz', '') AS batch FROM {source}"
