"""A tap's SQL against its declared columns, in the sandbox it will run in: output columns, or DuckDB's message with its caret."""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import duckdb
import msgspec

from mesh.spec.outputs import BadOutput, output_columns
from tap_runtime import events, sandbox
from tap_runtime.errors import SqlRefused
from tap_runtime.sandbox import quote
from tap_runtime.schema import Column
from tap_runtime.settings import OutputColumn
from tap_runtime.statement import check_statement, walk

_LINE = re.compile(r"^LINE (\d+): ", re.MULTILINE)
_LINE_END = re.compile(r"\r\n|\r|\n")  # as DuckDB counts lines
_FEW, _AT_ONCE = 50, 100
_CANDIDATES = 6
_SERIALIZE = "SELECT json_serialize_sql(s) FROM (SELECT unnest($1::VARCHAR[]) AS s)"


class BadStatement(Exception):
    """Why the statement cannot run, for its author; `line` and `column` in it, counted from 1."""

    def __init__(self, text: str, line: int = 1, column: int = 1) -> None:
        super().__init__(text)
        self.line, self.column = line, column


@dataclass(frozen=True)
class Asked:
    """A statement to bind, and the columns of its `events`."""

    sql: str
    columns: tuple[Column, ...]
    keeps_extra: bool


@dataclass(frozen=True)
class Bound:
    """What a statement yields; `reads_clock` where it asks for the time of landing."""

    output: tuple[OutputColumn, ...]
    reads_clock: bool


def bind_all(asked: Sequence[Asked]) -> list[Bound | BadStatement]:
    """What each statement yields or why not. Many are halved between two threads: DuckDB lets go of the GIL."""
    if len(asked) < _FEW:
        return _bind(asked) if asked else []
    half = len(asked) // 2
    with ThreadPoolExecutor(2) as pool:
        return [bound for part in pool.map(_bind, (asked[:half], asked[half:])) for bound in part]


def _bind(asked: Sequence[Asked]) -> list[Bound | BadStatement]:
    connection = sandbox.connect(1024)
    sandbox.lock(connection)
    bound: list[Bound | BadStatement] = []
    for start in range(0, len(asked), _AT_ONCE):
        some = asked[start : start + _AT_ONCE]
        for each, serialized in zip(some, _serialized(connection, some), strict=True):
            try:
                bound.append(_quickly(connection, each, serialized) or _exactly(connection, each))
            except BadStatement as bad:
                bound.append(bad)
            except BadOutput as bad:
                bound.append(BadStatement(str(bad)))
    return bound


def _serialized(connection: sandbox.Connection, asked: Sequence[Asked]) -> list[str | None]:
    try:
        return [row[0] for row in connection.execute(_SERIALIZE, [[each.sql for each in asked]]).fetchall()]
    except duckdb.Error:
        return [None] * len(asked)


def _quickly(connection: sandbox.Connection, asked: Asked, serialized: str | None) -> Bound | None:
    """The usual, good statement with half the parsing: `events` is a CTE. None: look exactly, as the running tap does."""
    if serialized is None or '"class":"PARAMETER"' in serialized:
        return None
    try:
        parsed = msgspec.json.decode(serialized)
        if parsed["error"] or len(parsed["statements"]) != 1:
            return None
        statement = walk(asked.sql, parsed)
        select = events.empty_view(asked.columns, asked.keeps_extra).split(" AS ", 1)[1]
        bound = connection.sql(f"WITH events AS ({select}) SELECT * FROM (\n{asked.sql}\n)")  # a fifth quicker than DESCRIBE
        found = list(zip(bound.columns, map(str, bound.types), strict=True))
    except (duckdb.Error, SqlRefused, RecursionError):
        return None
    return None if _maybe_renamed(found) else Bound(output_columns(found), statement.reads_clock)


def _maybe_renamed(found: list[tuple[str, str]]) -> bool:
    """Whether a name may be one that a subquery gives the second of two equal ones, like id_1."""
    names = {name.lower() for name, _ in found}
    return any(re.sub(r"_\d+$", "", name) in names - {name} for name in names)


def _exactly(connection: sandbox.Connection, asked: Asked) -> Bound:
    connection.execute(events.empty_view(asked.columns, asked.keeps_extra))
    try:
        statement = check_statement(connection, asked.sql)
        found = sandbox.output_columns(connection, asked.sql)
        if _maybe_renamed(found):
            own = connection.execute(f"DESCRIBE {asked.sql}").fetchall()
            found = [(str(name), kind) for (name, *_), (_, kind) in zip(own, found, strict=True)]
    except SqlRefused as refused:
        raise _quoted(_refused(refused, asked.sql), asked) from None
    except duckdb.Error as error:
        raise _quoted(_explained(error, wrapped=True), asked) from None
    except RecursionError:
        raise BadStatement("too deeply nested; split it up into CTEs") from None
    return Bound(output_columns(found), statement.reads_clock)


def _refused(refused: SqlRefused, sql: str) -> BadStatement:
    explained = _explained(refused, wrapped=False)
    if not refused.at:
        return explained
    before = _LINE_END.split(sql.encode()[: refused.at].decode(errors="replace"))
    return BadStatement(str(explained), len(before), len(before[-1]) + 1)


def _explained(error: Exception, wrapped: bool) -> BadStatement:
    """DuckDB's words, its line counted in the author's text; the caret moves along where the number gets shorter."""
    text = _shortened(re.sub(r"\n\s*\n", "\n", str(error)).strip())
    match = _LINE.search(text)
    if match is None:
        return BadStatement(text)
    line = max(1, int(match[1]) - wrapped)
    shown, shorter = f"LINE {line}: ", len(match[1]) - len(str(line))
    before, after = text[: match.start()] + shown, text[match.end() :].split("\n")
    if len(after) > 1 and set(after[1].strip()) == {"^"}:
        after[1] = after[1][shorter:]
        cut = after[0].startswith("...")
        return BadStatement(before + "\n".join(after), line, 1 if cut else max(1, after[1].index("^") + 1 - len(shown)))
    return BadStatement(before + "\n".join(after), line)


def _quoted(bad: BadStatement, asked: Asked) -> BadStatement:
    """With how to write a column that is a word of SQL too, where the statement stops being understood at it or right behind it."""
    text = str(bad)
    if (near := re.search(r'syntax error at or near "(\w*)', text)) is None:
        return bad
    lines = _LINE_END.split(asked.sql)
    before = re.search(r"(\w+)\s*$", "\n".join([*lines[: bad.line - 1], lines[bad.line - 1][: bad.column - 1]]))
    words = {near[1].lower(), before[1].lower() if before is not None else ""}
    for column in asked.columns:
        if column.name.lower() in words and duckdb.tokenize(column.name)[0][1] == duckdb.token_type.keyword:
            return BadStatement(f"{text}\n{column.name} is a word of SQL: the column is written {quote(column.name)}", bad.line, bad.column)
    return bad


def _shortened(text: str) -> str:
    """Without DuckDB's advice to change settings, and with a handful of the functions that would have matched."""
    text = re.sub(r' Use "SET .*', "", text)
    lines = text.split("\n")
    candidates = [index for index, line in enumerate(lines) if line.startswith("\t") and "->" in line]
    if len(candidates) <= _CANDIDATES:
        return text
    lines[candidates[_CANDIDATES] : candidates[-1] + 1] = [f"\t… and {len(candidates) - _CANDIDATES} more"]
    return "\n".join(lines)


def without_end(sql: str) -> str:
    """The statement without the semicolon at its end, nor a comment behind that: it will stand in brackets."""
    sql = sql.rstrip()
    if sql.count(";") == sql.endswith(";"):
        return sql.removesuffix(";").rstrip()
    text = sql.encode()
    end = len(text)
    for start, kind in reversed(duckdb.tokenize(sql)):  # counted in bytes
        if kind != duckdb.token_type.comment:
            if text[start : start + 1] != b";":
                break
            end = start
    return text[:end].decode().rstrip()
