"""Columns that a save gave another type, while files with the old one lie in the lake and stay as they are."""

from pathlib import Path

import duckdb

from tap_runtime.settings import TapSettings


def retyped(lake: Path, before: TapSettings, after: TapSettings) -> list[str]:
    """A warning a column, saying what queries make of it."""
    old = {column.name: column.type for column in before.output}
    both = [(column.name, old[column.name], column.type) for column in after.output if old.get(column.name, column.type) != column.type]
    if not both or next((lake / after.tap / "data").rglob("*.parquet"), None) is None:
        return []
    return [_warning(f"{after.tap}.{name}", was, now) for name, was, now in both]


def _warning(column: str, was: str, now: str) -> str:
    with duckdb.connect() as connection:
        read = connection.execute(f"SELECT NULL::{was} UNION ALL SELECT NULL::{now}").description[0][1]
    told = f"{column} is {now} from now on; files landed before have it as {was}, and stay so"
    queried = f"queries read both as {read}, and fail where a value is not one; Athena reads files of one type only"
    return f"{told}: {queried}; a new name for the column avoids both"
