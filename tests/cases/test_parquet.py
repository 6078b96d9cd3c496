"""The landed file as any reader meets it: ZSTD, hive path, declared types, and where it came from in its metadata."""

from pathlib import Path

import duckdb

from mesh.cases import Case, faults
from tests.cases.test_cases import SETTINGS


def test_a_landed_file_is_zstd_typed_partitioned_and_says_where_it_is_from(tmp_path: Path) -> None:
    body = b'{"eventType":"click","ts":"2026-11-23T10:00:00Z","x":1,"y":2,"url":"/","session":"s","more":1}\n'
    assert [*faults(Case("clicks", "one", body, ({"x": 1},)), SETTINGS["clicks"], tmp_path)] == []
    (file,) = (tmp_path / "lake").rglob("*.parquet")
    assert str(file.parent.relative_to(tmp_path / "lake")) == "clicks/data/year=2026/month=11/day=23/hour=21"
    assert duckdb.sql(f"select distinct compression from parquet_metadata('{file}')").fetchall() == [("ZSTD",)]
    types = duckdb.sql(f"select column_name, column_type from (describe select * from read_parquet('{file}', hive_partitioning=false))")
    assert types.fetchall() == [(column.name, column.type) for column in SETTINGS["clicks"].output]
    metadata = dict(duckdb.sql(f"select decode(key), decode(value) from parquet_kv_metadata('{file}')").fetchall())
    assert {"tapmesh.format": "1", "tapmesh.tap": "clicks", "tapmesh.batch": file.stem}.items() <= metadata.items()
    assert len(metadata["tapmesh.settings"]) == 64
