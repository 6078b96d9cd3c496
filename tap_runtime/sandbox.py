"""The SQL sandbox: how DuckDB is configured for a team's statement, which nothing else knows, and the COPY around it.

Two layers, both needed: the walk over the parsed statement (`statement.py`), and an instance that can reach one file, one folder and no
network.
`_duckdb` is DuckDB itself; the package around it takes 170 ms of each cold start to import and adds nothing we use.
"""

from pathlib import Path

import _duckdb as duckdb

from tap_runtime.settings import TapSettings

MAX_EXECUTION_MS = 20_000
_ROW_GROUP = "ROW_GROUP_SIZE 20480, ROW_GROUP_SIZE_BYTES '4MB'"
_OTHERS_MB = 72  # what a tap needs beside DuckDB
_LITTLE_MB = 120  # of which it touches 60; with less DuckDB gives its pages back time and again, for 11 % more CPU (docs/benchmarks.md)
_SMALL_ROW_GROUP = "ROW_GROUP_SIZE 2048, ROW_GROUP_SIZE_BYTES '1MB'"

Connection = duckdb.DuckDBPyConnection


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
        "memory_limit": f"{memory_mb - _OTHERS_MB}MB",
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


def confine(connection: Connection, reads: Path, writes: Path) -> None:
    """From here the instance reads one file, writes into one folder, and reaches nothing else."""
    connection.execute(f"SET allowed_paths=[{literal(str(reads))}]")
    connection.execute(f"SET allowed_directories=[{literal(str(writes) + '/')}]")
    connection.execute("SET enable_external_access=false")


def reserve_more(connection: Connection, memory_mb: int) -> None:
    """For a statement that holds little at a time, in a tap of so much memory."""
    if memory_mb - _OTHERS_MB < _LITTLE_MB:
        connection.execute(f"SET memory_limit='{_LITTLE_MB}MB'")


def lock(connection: Connection) -> None:
    """From here the instance reaches only what it was let, and no setting can be changed."""
    connection.execute("SET enable_external_access=false")
    connection.execute("SET lock_configuration=true")


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


def output_columns(connection: Connection, sql: str) -> list[tuple[str, str]]:
    """Names and types of what an allowed statement yields over the current `events`; raises duckdb.Error where it does not bind."""
    described = connection.execute(f"DESCRIBE SELECT * FROM (\n{sql}\n)").fetchall()
    return [(str(row[0]), str(row[1])) for row in described]
