"""What another account runs in its own Athena to read a tap through its access point."""

from collections.abc import Mapping

from mesh.plan.model import GlueColumn, Table

ALIAS = "<alias>"  # of the access point, which AWS makes up; stands where a bucket's name would


def table_ddl(table: Table, bucket: str) -> str:
    """`CREATE EXTERNAL TABLE` over the same data, with ALIAS for the bucket; partitions are computed there too."""
    about = "" if table.about is None else f"\nCOMMENT {_text(' '.join(table.about.split()))}"
    there = {name: value.replace(f"s3://{bucket}/", f"s3://{ALIAS}/") for name, value in table.parameters.items() if name != "EXTERNAL"}
    location = table.location.replace(f"s3://{bucket}/", f"s3://{ALIAS}/")
    return (
        f"CREATE EXTERNAL TABLE {_name(table.name)} (\n  {_columns(table.columns)}\n){about}\n"
        f"PARTITIONED BY ({_columns(table.partitions)})\nSTORED AS PARQUET\nLOCATION {_text(location)}\n"
        f"TBLPROPERTIES ({_properties(there)})"
    )


def _columns(columns: tuple[GlueColumn, ...]) -> str:
    return ", ".join(f"{_name(column.name)} {column.type}" for column in columns)


def _properties(values: Mapping[str, str]) -> str:
    return ", ".join(f"{_text(name)} = {_text(value)}" for name, value in sorted(values.items()))


def _name(text: str) -> str:
    return f"`{text.replace('`', '``')}`"


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
