"""Which statements a tap may have: one SELECT over `events`. Told from what DuckDB's own parser and planner make of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import _duckdb as duckdb
import msgspec

from tap_runtime.errors import SqlRefused
from tap_runtime.sandbox import Connection

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
_ROW_WISE = {"PROJECTION", "FILTER", "READ_JSON", "SEQ_SCAN", "TABLE_SCAN", "UNNEST", "EMPTY_RESULT", "DUMMY_SCAN", "COLUMN_DATA_SCAN"}


@dataclass(frozen=True)
class Statement:
    """An allowed statement; `reads_clock`: it asks for the time of landing, which differs from try to try."""

    sql: str
    reads_clock: bool


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


def is_row_wise(connection: Connection, query: str) -> bool:
    """Whether each row of `query` comes from one record, so that leaving a record out changes nothing else."""
    plans = connection.execute(f"EXPLAIN (FORMAT json) {query}").fetchall()
    nodes = [node for _, plan in plans for node in _nodes(msgspec.json.decode(plan))]
    names = {str(node["name"]).strip() for node in nodes if "children" in node}
    return names <= _ROW_WISE
