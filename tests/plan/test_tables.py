"""Every type a statement can yield, as DuckDB writes it to Parquet and as Athena's table reads it."""

import dataclasses
from pathlib import Path

import duckdb
import pytest

from mesh.plan import Stack, expand
from mesh.plan.model import GlueColumn
from mesh.spec.mesh import Mesh
from mesh.spec.outputs import output_columns
from tap_runtime import sandbox
from tests.plan.golden import PLANS, mesh

# An expression, the Athena type, and what its Parquet column is, which Athena reads as that: its primitive and its converted type.
TYPES = [
    ("true", "boolean", "BOOLEAN", ""),
    ("1::TINYINT", "tinyint", "INT32", "INT_8"),
    ("1::SMALLINT", "smallint", "INT32", "INT_16"),
    ("1::INTEGER", "int", "INT32", "INT_32"),
    ("1::BIGINT", "bigint", "INT64", "INT_64"),
    ("1::UTINYINT", "smallint", "INT32", "UINT_8"),
    ("1::USMALLINT", "int", "INT32", "UINT_16"),
    ("1::UINTEGER", "bigint", "INT64", "INT_64"),
    ("1::UBIGINT", "decimal(20,0)", "FIXED_LEN_BYTE_ARRAY", "DECIMAL"),
    ("1::HUGEINT", "decimal(38,0)", "FIXED_LEN_BYTE_ARRAY", "DECIMAL"),
    ("1::DECIMAL(4,1)", "decimal(4,1)", "INT32", "DECIMAL"),
    ("1::DECIMAL(18,3)", "decimal(18,3)", "INT64", "DECIMAL"),
    ("1::FLOAT", "float", "FLOAT", ""),
    ("1::DOUBLE", "double", "DOUBLE", ""),
    ("'a'", "string", "BYTE_ARRAY", "UTF8"),
    ("'{}'::JSON", "string", "BYTE_ARRAY", "UTF8"),
    ("'a'::ENUM('a')", "string", "BYTE_ARRAY", "UTF8"),
    ("uuid()", "string", "BYTE_ARRAY", "UTF8"),
    ("'21:00:00'::TIME", "string", "BYTE_ARRAY", "UTF8"),
    ("NULL", "string", "BYTE_ARRAY", "UTF8"),
    ("'a'::BLOB", "binary", "BYTE_ARRAY", ""),
    ("DATE '2026-11-23'", "date", "INT32", "DATE"),
    ("TIMESTAMP '2026-11-23'", "timestamp", "INT64", "TIMESTAMP_MICROS"),
    ("TIMESTAMPTZ '2026-11-23'", "timestamp", "INT64", "TIMESTAMP_MICROS"),
]
NESTED = [
    ("{'City': 'x', 'spots': [1.5::DOUBLE]}", "struct<city:string,spots:array<double>>"),
    ("[{'id': uuid()}]", "array<struct<id:string>>"),
    ("map {'a': 1::UBIGINT}", "map<string,decimal(20,0)>"),
    ("map {1: ['21:00:00'::TIME]}", "map<int,array<string>>"),
    ("[[1::HUGEINT]]", "array<array<decimal(38,0)>>"),
    ("[1, 2]::INTEGER[2]", "array<int>"),
    ("{'a': {'b': 1::UINTEGER}}", "struct<a:struct<b:bigint>>"),
]
UNNAMEABLE = ["{'a b': 1}", "[{'a:b': 1}]", "map {'k': {'a-b': 1}}", "{'é': 1}"]


def _mesh(sql: str) -> Mesh:
    """The example's clicks with another statement."""
    example = mesh(PLANS["example-dev"][0])
    with duckdb.connect() as connection:
        output = output_columns(sandbox.output_columns(connection, sql))
    return dataclasses.replace(example, taps={"clicks": dataclasses.replace(example.taps["clicks"], sql=sql, output=output)})


def _columns(expression: str) -> tuple[GlueColumn, ...]:
    (tap,) = expand(_mesh(f"select {expression} as c"), Stack("dev")).taps
    return tap.table.columns


@pytest.mark.parametrize(("expression", "kind", "primitive", "converted"), TYPES, ids=lambda text: str(text)[:20])
def test_a_columns_type_is_what_its_parquet_reads_as(tmp_path: Path, expression: str, kind: str, primitive: str, converted: str) -> None:
    (tap,) = expand(_mesh(f"select {expression} as c"), Stack("dev")).taps
    assert tap.table.columns == (GlueColumn("c", kind),)
    with duckdb.connect() as connection:
        connection.execute(sandbox.copy_statement(sandbox.wrap(tap.settings), tmp_path / "c.parquet", {}))
        found = connection.execute("select type, converted_type from parquet_schema(?) where name = 'c'", [str(tmp_path / "c.parquet")])
        assert [(one, other or "") for one, other in found.fetchall()] == [(primitive, converted)]


@pytest.mark.parametrize(("expression", "kind"), NESTED, ids=lambda text: str(text)[:20])
def test_nested_types(expression: str, kind: str) -> None:
    assert _columns(expression) == (GlueColumn("c", kind),)


@pytest.mark.parametrize("expression", UNNAMEABLE)
def test_what_athena_cannot_name_is_left_out_and_said(expression: str) -> None:
    plan = expand(_mesh(f"select 1 as a, {expression} as c"), Stack("dev"))
    assert plan.taps[0].table.columns == (GlueColumn("a", "int"),)
    assert plan.notes == ("clicks: column c: Athena cannot name it or a field in it, so the table is without; the files have it",)


def test_partitions_are_projected_from_the_keys() -> None:
    table = expand(mesh(PLANS["example-dev"][0]), Stack("dev")).taps[0].table
    assert [(column.name, column.type) for column in table.partitions] == [(name, "int") for name in ("year", "month", "day", "hour")]
    assert table.parameters["projection.year.range"] == "2026,2035"
    template = "s3://acme-lake-dev/clicks/data/year=${year}/month=${month}/day=${day}/hour=${hour}"
    assert table.parameters["storage.location.template"] == template
