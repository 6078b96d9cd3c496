"""DuckDB column syntax as the schema takes it."""

import pytest

from mesh.spec.types import parse_column, parse_type
from tap_runtime.schema import SCALARS

TAKEN = [
    *((name, name) for name in SCALARS if name != "DECIMAL"),
    ("int", "INTEGER"),
    ("text", "VARCHAR"),
    ("string", "VARCHAR"),
    ("long", "BIGINT"),
    ("bool", "BOOLEAN"),
    ("real", "FLOAT"),
    ("timestamp with time zone", "TIMESTAMPTZ"),
    ("DECIMAL", "DECIMAL(18,3)"),
    ("decimal(10, 2)", "DECIMAL(10,2)"),
    ("varchar(20)", "VARCHAR"),
    ("int[]", "INTEGER[]"),
    ("int[][]", "INTEGER[][]"),
    ("map(varchar, int[])", "MAP(VARCHAR, INTEGER[])"),
    ("struct(a int, b struct(c text[]))", 'STRUCT("a" INTEGER, "b" STRUCT("c" VARCHAR[]))'),
    ('struct("not null" int, "default" int)', 'STRUCT("not null" INTEGER, "default" INTEGER)'),
    ('struct("a b" int, "q""q" json)', 'STRUCT("a b" INTEGER, "q""q" JSON)'),
    ("struct(a int)[]", 'STRUCT("a" INTEGER)[]'),
]
REFUSED = [
    ("HUGEINT", r"HUGEINT is not supported in a schema; write DECIMAL\(38,0\)"),
    ("UHUGEINT", "not supported"),
    ("BLOB", "not supported"),
    ("INTERVAL", "not supported"),
    ("BIT", "not supported"),
    ("TIMETZ", "not supported"),
    ("TIMESTAMP_NS", "not supported"),
    ("ENUM('a', 'b')", "not supported"),
    ("INTEGER[3]", r"INTEGER\[3\] is not supported"),
    ("UNION(a INTEGER)", "not supported"),
    ("STRUCT(a HUGEINT)", "HUGEINT is not supported"),
    ("HUGEINT[]", "HUGEINT is not supported"),
    ("MAP(INTEGER, VARCHAR)", "a MAP's keys are VARCHAR here"),
    ("STRUCT(a INTEGER NOT NULL)", "only at its end"),
    ("INTEGER PRIMARY KEY", "only NOT NULL may stand"),
    ("VARCHAR COLLATE nocase", "only NOT NULL may stand"),
    ("INTEGER DEFAULT 3", "only NOT NULL may stand"),
    ("INTERGER", "did you mean INTEGER?"),
    ("varchr", "did you mean VARCHAR?"),
    ("number", "number is not a DuckDB type; write DOUBLE, or DECIMAL"),
    ("pg_enum", "pg_enum is not a DuckDB type; write VARCHAR"),
    ("STRUCT(a object[])", "object is not a DuckDB type; write JSON, or a STRUCT"),
    ("int9", "int9 is not a DuckDB type; allowed: TINYINT"),
    ("", "an empty text is not a DuckDB type"),
    ("   ", "an empty text is not a DuckDB type"),
    ("DECIMAL(99, 2)", "is not a DuckDB type"),
    ("INTEGER; DROP TABLE x", "is not a DuckDB type"),
    ("INTEGER, b INTEGER", "expected one type, got INTEGER, b INTEGER"),
    ("INTEGER" + "[]" * 51, "nested at most 50 deep"),
    ("STRUCT(a " * 5000, "nested at most 50 deep"),
    ("STRUCT(a INTERGER)", "INTERGER is not a DuckDB type; did you mean INTEGER?"),
    ("STRUCT(a JSON, A JSON)", "the field A stands twice in a STRUCT"),
    ("LIST(INTEGER)", r"a list is written TYPE\[\]"),
    ("INTEGER UNIQUE", "only NOT NULL may stand"),
    ('"NULL"', "is not supported"),
]


@pytest.mark.parametrize(("text", "sql"), TAKEN)
def test_taken(text: str, sql: str) -> None:
    assert parse_type(text).sql == sql
    assert parse_type(sql).sql == sql


def test_a_wide_type_is_not_a_deep_one() -> None:
    fields = ", ".join(f'"f{number}" DECIMAL(9,2)[]' for number in range(120))
    assert parse_type(f"STRUCT({fields})").sql == f"STRUCT({fields})"


@pytest.mark.parametrize(("text", "words"), REFUSED, ids=lambda text: text[:30])
def test_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_type(text)


@pytest.mark.parametrize("behind", ["NOT NULL", "not null", " Not  Null "])
def test_not_null(behind: str) -> None:
    column = parse_column("x", f"INTEGER {behind}", None, "What it is")
    assert (column.type.sql, column.required, column.about) == ("INTEGER", True, "What it is")


@pytest.mark.parametrize("kind", ["TIMESTAMP", "TIMESTAMPTZ"])
def test_epoch(kind: str) -> None:
    assert parse_column("x", kind, "ms", None).type.epoch == "ms"


def test_epoch_needs_a_timestamp() -> None:
    with pytest.raises(ValueError, match="epoch goes with TIMESTAMP or TIMESTAMPTZ, not DATE"):
        parse_column("x", "DATE", "s", None)
