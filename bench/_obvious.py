"""The obvious function: a file a request in /tmp; at 10 MB the ancestor's statement over all of them, and a put."""

import base64
import json
import os
import uuid
from pathlib import Path

import boto3
import duckdb

FOLDER, OUT = Path("/tmp/requests"), Path("/tmp/out.parquet")
THRESHOLD = 10_000_000
FOLDER.mkdir(exist_ok=True)
s3 = boto3.client("s3")
connection = duckdb.connect(":memory:")
if "MEMORY_LIMIT" in os.environ:  # as it comes, DuckDB counts 32 MiB a file, which it hardly touches
    connection.execute(f"SET memory_limit='{os.environ['MEMORY_LIMIT']}'")


def handler(event, context):
    """What Lambda calls."""
    body = event["body"]
    raw = base64.b64decode(body) if event["isBase64Encoded"] else body.encode()
    (FOLDER / f"{uuid.uuid4()}.json").write_bytes(raw)
    files = list(FOLDER.iterdir())
    if sum(file.stat().st_size for file in files) >= THRESHOLD:
        land(files)
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps({"statusCode": 200})}


def land(files):
    """One Parquet file of them all."""
    listed = ", ".join(f"'{file}'" for file in files)
    query = f"SELECT * FROM read_json_auto([{listed}], ignore_errors=true, union_by_name=true, maximum_depth=2)"
    connection.execute(f"COPY ({query}) TO '{OUT}' (FORMAT parquet, COMPRESSION zstd)")
    s3.put_object(Bucket=os.environ["BUCKET"], Key=f"data/{uuid.uuid4()}.parquet", Body=OUT.read_bytes())
    for file in files:
        file.unlink()
