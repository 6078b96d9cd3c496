"""A tap's SQL against its declared columns, in the sandbox it will run in: output columns, or DuckDB's message with its caret."""

import re
from dataclasses import dataclass

import duckdb

from tap_runtime import sandbox
from tap_runtime.errors import SqlRefused
from tap_runtime.schema import Column
from tap_runtime.settings import OutputColumn

RESERVED = ("year", "month", "day", "hour")
_LINE = re.compile(r"\bLINE (\d+):")


class BadStatement(Exception):
    """Why the statement cannot run, for its author; `line` in it, counted from 1."""

    def __init__(self, text: str, line: int = 1) -> None:
        super().__init__(text)
        self.line = line


@dataclass(frozen=True)
class Bound:
    """What a statement yields; `reads_clock` where it asks for the time of landing."""

    output: tuple[OutputColumn, ...]
    reads_clock: bool


class Binder:
    """Binds many statements over one locked DuckDB instance."""

    def __init__(self) -> None:
        self._connection = sandbox.connect(1024)
        sandbox.lock(self._connection)
        self._view = ""

    def bind(self, sql: str, columns: tuple[Column, ...], keeps_extra: bool) -> Bound:
        """The statement's outputs; raises BadStatement."""
        view = sandbox.empty_view(columns, keeps_extra)
        if view != self._view:
            self._connection.execute(view)
            self._view = view
        try:
            statement = sandbox.check_statement(self._connection, sql)
            found = sandbox.output_columns(self._connection, sql)
        except (duckdb.Error, SqlRefused) as error:
            raise _explained(error, wrapped=not isinstance(error, SqlRefused)) from None
        return Bound(_outputs(found), statement.reads_clock)


def _explained(error: Exception, wrapped: bool) -> BadStatement:
    text = re.sub(r"\n\s*\n", "\n", str(error)).strip()
    match = _LINE.search(text)
    line = max(1, int(match[1]) - wrapped) if match else 1
    return BadStatement(_LINE.sub(f"LINE {line}:", text), line)


def _outputs(found: list[tuple[str, str]]) -> tuple[OutputColumn, ...]:
    seen: set[str] = set()
    for name, _ in found:
        if name.lower() in RESERVED:
            raise BadStatement(f"column {name}: {', '.join(RESERVED)} are the lake's partitions; give it another name")
        if name.lower() in seen:
            raise BadStatement(f"column {name} stands twice in the result; give one another name (names that differ only in case are one)")
        seen.add(name.lower())
    return tuple(_output(name, kind) for name, kind in found)


def _output(name: str, kind: str) -> OutputColumn:
    for refused in ("INTERVAL", "UNION", "BIT", "BIGNUM", "VARIANT", "GEOMETRY"):
        if re.search(rf"\b{refused}\b", kind):
            raise BadStatement(f"column {name} is {kind}, which Parquet readers do not share; cast it, for example to VARCHAR")
    cast = re.sub(r"\bU?HUGEINT\b", "DECIMAL(38,0)", kind)
    cast = re.sub(r"\bJSON\b", "VARCHAR", cast) if '"' not in kind else cast
    cast = "VARCHAR" if cast.startswith("ENUM(") or kind == '"NULL"' else cast
    return OutputColumn(name, cast, cast != kind)
