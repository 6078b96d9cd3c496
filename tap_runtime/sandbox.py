"""The SQL sandbox: how DuckDB is configured for a team's statement, and which statements are allowed. Nothing else knows either.

Two layers, both needed: the walk over the parsed statement, and an instance that can reach one file, one folder and no network.
`_duckdb` is DuckDB itself; the package around it takes 170 ms of each cold start to import and adds nothing we use.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import _duckdb as duckdb
import msgspec

from tap_runtime.errors import SqlRefused
from tap_runtime.settings import TapSettings

MAX_EXECUTION_MS = 20_000
_ROW_GROUP = "ROW_GROUP_SIZE 20480, ROW_GROUP_SIZE_BYTES '4MB'"
_SMALL_ROW_GROUP = "ROW_GROUP_SIZE 2048, ROW_GROUP_SIZE_BYTES '1MB'"

_TABLE_FUNCTIONS = {"unnest", "range", "generate_series"}
_NOWHERE = 2**64 - 1
_QUERY_NODES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
_TABLE_NODES = {"BASE_TABLE", "JOIN", "SUBQUERY", "EMPTY", "EXPRESSION_LIST", "TABLE_FUNCTION", "PIVOT", "COLUMN_DATA", "DELIM_GET"}
_DENIED_FUNCTION = re.compile(
    r"read_\w+|\w+_scan\w*|glob|sniff_csv|query|query_table|json_execute_serialized_sql|json_serialize_plan|sleep_ms|pg_sleep|write_log"
    r"|current_setting|getvariable|setseed|setval|nextval|currval|enable_\w+|disable_\w+|duckdb_\w+|pragma_\w+|parquet_\w+|python_\w+|pg_get_\w+"
    r"|arrow_\w+|pandas_\w+|in_search_path|current_query|which_secret|inet_\w+"
)
# A CTE is known in its own query alone, but the walk allows its name everywhere, where it may be a file or one of DuckDB's own views.
_CTE_NAME = re.compile(r"(?!duckdb_|pg_|sqlite_|pragma_)\w+", re.IGNORECASE)
_CLOCK_FUNCTIONS = {"now", "today", "transaction_timestamp", "get_current_timestamp", "get_current_time"}
_CLOCK_FUNCTIONS |= {"current_date", "current_localtime", "current_localtimestamp"}
_CLOCK_WORDS = {"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"}
_ROW_WISE = {"PROJECTION", "FILTER", "SEQ_SCAN", "TABLE_SCAN", "UNNEST", "EMPTY_RESULT", "DUMMY_SCAN", "COLUMN_DATA_SCAN"}

Connection = duckdb.DuckDBPyConnection


@dataclass(frozen=True)
class Statement:
    """An allowed statement; `reads_clock`: it asks for the time of landing, which differs from try to try."""

    sql: str
    reads_clock: bool


def quote(name: str) -> str:
    """A name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def connect(memory_mb: int) -> Connection:
    """A fresh in-memory instance, one thread, nothing installed or loaded on its own."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "memory_limit": f"{memory_mb - 72}MB",
        "temp_directory": "",
        "preserve_insertion_order": False,  # row groups by bytes need it; one thread reads in order all the same
        "max_execution_time": MAX_EXECUTION_MS,
        "allow_persistent_secrets": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "allow_extension_repositories": "forbidden",
        "python_enable_replacements": False,
        "enable_external_file_cache": False,  # an instance meets each batch under the same file name
    }
    connection = duckdb.connect(":memory:", config=config)
    connection.execute("SET TimeZone='UTC'")
    return connection


def lock(connection: Connection, reads: Path | None = None, writes: Path | None = None) -> None:
    """Closes the instance: from here it reads one file, writes into one folder, and no setting can be changed back."""
    if reads is not None and writes is not None:
        connection.execute(f"SET allowed_paths=[{literal(str(reads))}]")
        connection.execute(f"SET allowed_directories=[{literal(str(writes) + '/')}]")
    connection.execute("SET enable_external_access=false")
    connection.execute("SET lock_configuration=true")


def check_statement(connection: Connection, sql: str) -> Statement:
    """The statement, if it is one SELECT over `events` that reaches for nothing else; raises SqlRefused."""
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise SqlRefused(str(error)) from None
    if len(statements) != 1:
        raise SqlRefused(f"expected one SELECT statement, found {len(statements) or 'comments alone'}")
    if statements[0].type == duckdb.StatementType.MULTI:
        raise SqlRefused("PIVOT needs its values: PIVOT … ON column IN (…)")
    if statements[0].type != duckdb.StatementType.SELECT:
        raise SqlRefused(f"expected a SELECT, found {statements[0].type.name}")
    if statements[0].named_parameters:
        raise SqlRefused("parameters ($1, ?) have no value here")
    row = connection.execute("SELECT json_serialize_sql($1)", [sql]).fetchone()
    assert row is not None
    return walk(sql, msgspec.json.decode(row[0]))


def walk(sql: str, serialized: dict[str, Any]) -> Statement:
    """Judges what json_serialize_sql made of `sql`; raises SqlRefused with the first fault."""
    if serialized["error"]:
        message = serialized.get("error_message", "it cannot be checked")
        raise SqlRefused("PIVOT needs its values: PIVOT … ON column IN (…)" if "PIVOT" in sql.upper() else message)
    nodes = list(_nodes(serialized))
    ctes = {name.lower() for node in nodes for name in _cte_names(node)}
    for name in sorted(ctes):
        if not _CTE_NAME.fullmatch(name):
            raise SqlRefused(f"{name} cannot name a CTE: only letters, digits and _, not starting with duckdb_, pg_, sqlite_ or pragma_")
    for node in nodes:
        _refuse_node(node, ctes)
    functions = {str(node.get("function_name", "")).lower() for node in nodes}
    words = {names[0].lower() for node in nodes if (names := node.get("column_names")) and not names[1:]}
    return Statement(sql, reads_clock=bool(functions & _CLOCK_FUNCTIONS or words & _CLOCK_WORDS))


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    left = [value]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            yield value
            left.extend(reversed(value.values()))
        elif isinstance(value, list):
            left.extend(reversed(value))


def _cte_names(node: dict[str, Any]) -> list[str]:
    names = [entry["key"] for entry in node.get("cte_map", {}).get("map", [])]
    return [*names, node["cte_name"]] if "cte_name" in node else names


def _refuse_node(node: dict[str, Any], ctes: set[str]) -> None:
    kind = str(node.get("type", ""))
    at = _location(node)
    if kind.endswith("_NODE") and kind not in _QUERY_NODES:
        raise SqlRefused(f"only SELECT may stand in a statement, found {kind.removesuffix('_QUERY_NODE').removesuffix('_NODE')}", at)
    if kind.endswith("_REF") and kind not in ("COLUMN_REF", "LAMBDA_REF", "POSITIONAL_REF", "POSITIONAL_REFERENCE"):
        raise SqlRefused("SHOW and DESCRIBE are not allowed: only SELECT over events", at)
    if kind == "BASE_TABLE":
        path = node["qualified_name"]["path"]
        if len(path) != 1 or path[0].lower() not in ctes | {"events"}:
            raise SqlRefused(f"unknown table {'.'.join(path)}: the statement sees the view events and its own CTEs", at)
    if kind == "TABLE_FUNCTION":
        name = str(node["function"].get("function_name", "")).lower()
        if name not in _TABLE_FUNCTIONS:
            raise SqlRefused(f"table function {name} is not allowed: only {', '.join(sorted(_TABLE_FUNCTIONS))}", at)
    name = str(node.get("function_name") or "").lower()
    if _DENIED_FUNCTION.fullmatch(name):
        raise SqlRefused(f"function {name} is not allowed: a tap's SQL sees its own records only", at)


def _location(node: dict[str, Any]) -> int:
    found = int(node.get("query_location", _NOWHERE))
    return 0 if found == _NOWHERE else found


def wrap(settings: TapSettings) -> str:
    """The team's statement as a subquery (which refuses what only looks like a SELECT), outputs cast to what Parquet keeps."""
    casts = [f"CAST({quote(column.name)} AS {column.type}) AS {quote(column.name)}" for column in settings.output if column.cast]
    replace = f" REPLACE ({', '.join(casts)})" if casts else ""
    return f"SELECT *{replace} FROM (\n{settings.sql}\n)"


def copy_statement(query: str, target: Path, metadata: dict[str, str], small: bool = False) -> str:
    """COPY to one ZSTD Parquet file; `small`: in row groups that need little memory.

    Level 1: 20 % less CPU than the default for 1 % more bytes (docs/benchmarks.md).
    """
    pairs = ", ".join(f"{literal(key)}: {literal(value)}" for key, value in metadata.items())
    groups = _SMALL_ROW_GROUP if small else _ROW_GROUP
    options = f"FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, {groups}, KV_METADATA {{{pairs}}}, RETURN_STATS"
    return f"COPY ({query}) TO {literal(str(target))} ({options})"


def copied_rows(connection: Connection, copy: str) -> int:
    """Runs a COPY of `copy_statement`; how many rows it wrote."""
    row = connection.execute(copy).fetchone()
    return int(row[1]) if row is not None else 0


def is_row_wise(connection: Connection, query: str) -> bool:
    """Whether each row of `query` comes from one record, so that leaving a record out changes nothing else."""
    plans = connection.execute(f"EXPLAIN (FORMAT json) {query}").fetchall()
    nodes = [node for _, plan in plans for node in _nodes(msgspec.json.decode(plan))]
    names = {str(node["name"]).strip() for node in nodes if "children" in node}
    return names <= _ROW_WISE


def output_columns(connection: Connection, sql: str) -> list[tuple[str, str]]:
    """Names and types of what an allowed statement yields over the current `events`; raises duckdb.Error where it does not bind."""
    described = connection.execute(f"DESCRIBE SELECT * FROM (\n{sql}\n)").fetchall()
    return [(str(row[0]), str(row[1])) for row in described]
