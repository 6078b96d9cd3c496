"""One query over a lake folder, in a process of its own: SQL on standard input, JSON on standard output.

Read only: one SELECT, and inside another one, which refuses what only looks like a SELECT (`WITH x AS (COPY …)`).
"""

import contextlib
import math
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from mesh.lake.place import NoLake, Place
from mesh.lake.query import open_lake
from mesh.lake.select import BadSelect, bad_select, one_select
from mesh.local.live.chart import chart
from tap_runtime.errors import LakeDown
from tap_runtime.settings import BOILINGDATA_SECRET, forget

LIMIT_S = 10
MAX_ROWS = 500
_CELL = 1_000
_CONFIG = {"memory_limit": "1GB", "max_temp_directory_size": "1GB"}


def answer(lake: Path, scratch: Path, sql: str, limit_s: int = LIMIT_S) -> dict[str, Any]:
    """Columns, rows as text (None: NULL), what chart they make; or the error, as DuckDB says it."""
    started = time.monotonic()
    try:
        limits = _CONFIG | {"temp_directory": str(scratch), "max_execution_time": str(limit_s * 1000)}
        connection = open_lake(Place(str(lake)), scratch, limits)
        found = connection.execute(f"SELECT * FROM (\n{one_select(connection, sql)}\n) LIMIT {MAX_ROWS + 1}")
        columns = [(str(column[0]), str(column[1])) for column in found.description or []]
        rows = found.fetchall()
    except duckdb.InterruptException:
        return {"error": f"Stopped after {limit_s} s. Ask for fewer rows, or use: tapmesh query"}
    except BadSelect as bad:
        return _said(bad)
    except duckdb.Error as error:
        return _said(bad_select(error, sql))
    except (NoLake, LakeDown) as error:
        return {"error": str(error)}
    shown = rows[:MAX_ROWS]
    return {
        "columns": [{"name": name, "type": kind} for name, kind in columns],
        "rows": [[_text(value) for value in row] for row in shown],
        "cut": len(rows) > MAX_ROWS,
        "took_ms": round((time.monotonic() - started) * 1000),
        "chart": None if len(rows) > MAX_ROWS else chart([kind for _, kind in columns], shown),
    }


def _said(bad: BadSelect) -> dict[str, Any]:
    return {"error": "\n".join(filter(None, (str(bad), bad.hint)))}


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, float):
        text = f"{value:.15g}" if math.isfinite(value) else str(value)
    elif isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, dict | list | tuple):
        text = msgspec.json.encode(value, enc_hook=str).decode()
    else:
        text = str(value)
    return text if len(text) <= _CELL else f"{text[:_CELL]} …"


if __name__ == "__main__":
    forget(BOILINGDATA_SECRET)
    with contextlib.suppress(OSError):
        os.nice(10)
    end = threading.Timer(LIMIT_S + 4, os._exit, args=(75,))  # should DuckDB not heed its limit and the server be gone
    end.daemon = True
    end.start()
    sys.stdout.buffer.write(msgspec.json.encode(answer(Path(sys.argv[1]), Path(sys.argv[2]), sys.stdin.buffer.read().decode())))
