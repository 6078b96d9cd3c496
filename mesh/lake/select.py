"""One SELECT over a lake's views, and what DuckDB says of it in the words of who wrote it."""

import re

import duckdb

from mesh.spec.statement import without_end

_PLACE = re.compile(r"^LINE (\d+): (.*)(?:\n( *\^+) *$)?", re.MULTILINE)
_MEANT = re.compile(r'^Did you mean "(.*)"\?\n', re.MULTILINE)
_OWN_NAMES = re.compile(r"(pg|duckdb|sqlite|pragma)_\w+|information_schema\b.*")
_CAST = re.compile(r'/(\w+)/data/year=.*failed to cast column "(.*?)" from type (.*?) to (.*?):', re.DOTALL)
_DENIED = "a query reads the lake's tables and nothing else"
_PIVOT = "PIVOT needs its values here: pivot <tap> on <column> in ('a', 'b') using count(*)"


class BadSelect(Exception):
    """What is asked cannot be asked of a lake: the message says why, `hint` what can."""

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.hint = hint


def one_select(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """The statement, ready to stand in brackets, and it binds there, which `WITH x AS (COPY …)` does not; raises BadSelect."""
    try:
        sql.encode()
        kinds = [statement.type.name for statement in duckdb.extract_statements(sql)]
    except UnicodeEncodeError:
        raise BadSelect("the statement is not UTF-8") from None
    except duckdb.Error as error:
        raise bad_select(error, sql) from None
    if kinds == ["MULTI"]:
        raise BadSelect(_PIVOT)
    if kinds != ["SELECT"]:
        got = f"{len(kinds)} statements" if len(kinds) > 1 else kinds[0].replace("_", " ") if kinds else "nothing"
        raise BadSelect(f"expected one SELECT, got {got}", "select * from <tap> limit 10")
    bare = without_end(sql)
    try:
        connection.execute(f"EXPLAIN SELECT * FROM (\n{bare}\n)").fetchall()
    except duckdb.Error as error:
        raise bad_select(error, sql, f"tables here: {', '.join(tables(connection))}") from None
    return bare


def bad_select(error: duckdb.Error, sql: str, hint: str = "") -> BadSelect:
    """DuckDB's message with its caret in the statement as it was written, and without advice that leads nowhere."""
    text = re.sub(r"\n\s*\n", "\n", str(error)).strip()
    if (cast := _CAST.search(text)) is not None:
        tap, column, one, other = cast.groups()
        return BadSelect(
            f"{column} of {tap} is {one} in some files and {other} in others, and neither can be read as the other",
            f"leave {column} out (name the columns you need), or read the files of one of the types: where year = … and month = …",
        )
    text = _PLACE.sub(lambda found: _placed(found, sql), _MEANT.sub(_meant, text)).strip()
    if "Table with name" in text:
        return BadSelect(text, hint)
    return BadSelect(text, _DENIED if isinstance(error, duckdb.PermissionException) else "")


def tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The names of what can be asked, taps and `_` views."""
    return [name for (name,) in connection.execute("SHOW TABLES").fetchall()]


def _meant(found: re.Match[str]) -> str:
    """Only what is not a view of DuckDB's own."""
    names = [name for name in found[1].split(" or ") if not _OWN_NAMES.fullmatch(name)]
    return f'Did you mean "{" or ".join(names)}"?\n' if names else ""


def _placed(found: re.Match[str], sql: str) -> str:
    """The line's number in `sql`, which DuckDB saw inside of another statement; nothing when it is a line of that one."""
    number, shown, caret = found.groups()
    bare = shown.removeprefix("...").removesuffix("...")
    lines = [at for at, line in enumerate(sql.split("\n"), 1) if bare.strip() in line]
    if not bare.strip() or not lines:
        return ""
    own = min(lines, key=lambda at: abs(at - int(number)))
    shorter = len(number) - len(str(own))
    under = "" if caret is None else "\n" + (caret[shorter:] if shorter > 0 else " " * -shorter + caret)
    return f"LINE {own}: {shown}{under}"
