"""Athena as an analyst uses it: a query in the mesh's workgroup; and which folders it would look into, by the table's own projection."""

import itertools
import re
import time
from collections.abc import Mapping
from typing import Any

from tests.engine.plugin.cloud import Cloud


def athena(cloud: Cloud, workgroup: str, database: str, sql: str) -> list[dict[str, str | None]]:
    """The rows as Athena tells them, as text."""
    client = cloud.client("athena")
    query = client.start_query_execution(QueryString=sql, WorkGroup=workgroup, QueryExecutionContext={"Database": database})[
        "QueryExecutionId"
    ]
    while (status := client.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"])["State"] in ("QUEUED", "RUNNING"):
        time.sleep(0.1)
    assert status["State"] == "SUCCEEDED", status
    head, *rows = (row["Data"] for row in client.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"])
    return [{name["VarCharValue"]: cell.get("VarCharValue") for name, cell in zip(head, row, strict=True)} for row in rows]


def projected(table: Mapping[str, Any], filtered: Mapping[str, int]) -> list[str]:
    """The locations a query with these partition values reads, computed from a Glue table's parameters as Athena's documentation says."""
    parameters = table["Parameters"]
    assert parameters["projection.enabled"] == "true"
    keys = [key["Name"] for key in table["PartitionKeys"]]
    values = []
    for key in keys:
        assert parameters[f"projection.{key}.type"] == "integer"
        first, last = map(int, parameters[f"projection.{key}.range"].split(","))
        digits = int(parameters.get(f"projection.{key}.digits", 1))
        wanted = [filtered[key]] if key in filtered else range(first, last + 1)
        values.append([f"{value:0{digits}d}" for value in wanted if first <= value <= last])
    template = parameters["storage.location.template"]
    return [
        re.sub(r"\$\{(\w+)}", lambda found, at=dict(zip(keys, each, strict=True)): at[found[1]], template)
        for each in itertools.product(*values)
    ]
