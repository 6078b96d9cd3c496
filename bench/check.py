"""How long `tapmesh check` reads 1,000 and 2,000 taps, and whether twice the taps take more than twice the time."""

import sys
import tempfile
import time
from pathlib import Path

from mesh.spec import load

SMALL, LARGE = 1_000, 2_000
SECONDS, RATIO = 2.5, 2.2
TYPES = ("INTEGER", "DOUBLE", "BIGINT", "DECIMAL(12,2)", "FLOAT", "USMALLINT")
HEAD = """version: 1
mesh: bench
people:
  lead: {email: lead@acme.example}
teams:
  growth: [lead]
taps:
"""


def statement(number: int) -> str:
    """Fifteen lines over the declared columns of tap `number`."""
    return f"""select
  id,
  ts,
  date_trunc('hour', ts) as started,
  upper(host) as host,
  value_{number} * {number % 7 + 1} as value,
  case when value_{number} > {number} then 'high' else 'low' end as level,
  tags[1] as first_tag,
  place.city as city,
  coalesce(note, 'none') as note,
  _received_at,
  _sender
from events
where value_{number} is not null
  and host <> 'test-{number}'
"""


def tap(number: int, folder: Path) -> str:
    """The YAML of tap `number`; every second statement stands in a file of its own."""
    if number % 2:
        sql = f"sql/tap_{number}.sql"
        (folder / sql).write_text(statement(number))
    else:
        sql = "|\n      " + statement(number).replace("\n", "\n      ").rstrip()
    return f"""  tap_{number}:
    team: growth
    about: Tap {number} of the bench
    schema:
      id: VARCHAR NOT NULL
      ts: TIMESTAMP
      host: VARCHAR
      value_{number}: {TYPES[number % len(TYPES)]}
      tags: VARCHAR[]
      place: STRUCT(city VARCHAR, lat DOUBLE, lon DOUBLE)
      note: VARCHAR
    thresholds: {{age: {number % 50 + 10}s}}
    sql: {sql}
"""


def seconds(count: int) -> float:
    """The best of three reads of `count` taps."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "sql").mkdir()
        (folder / "taps.yaml").write_text(HEAD + "".join(tap(number, folder) for number in range(count)))
        taken = []
        for _ in range(3):
            started = time.perf_counter()
            checked = load(folder / "taps.yaml")
            taken.append(time.perf_counter() - started)
            if checked.mesh is None or len(checked.mesh.taps) != count:
                sys.exit(f"the bench's own file is wrong: {checked.problems[:3]}")
    return min(taken)


def main() -> None:
    """Prints both times and their ratio; exits 1 past the targets."""
    small, large = seconds(SMALL), seconds(LARGE)
    print(f"{SMALL:,} taps: {small:.2f} s (target {SECONDS} s)")
    print(f"{LARGE:,} taps: {large:.2f} s, {large / small:.2f} times as long (target {RATIO})")
    sys.exit(small > SECONDS or large > RATIO * small)


if __name__ == "__main__":
    main()
