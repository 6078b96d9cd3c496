"""A million requests of 1 to 1,000 records of 1 KB in dollars, beside Firehose and Cloudflare Pipelines, and watching: docs/cost.md.

Takes what lambda_small.py and lambda_land.py have measured from `bench/results/`; run them first.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from _prices import (
    FIREHOSE_CONVERSION_GB,
    FIREHOSE_GB,
    FIREHOSE_STEP,
    LOG_LINE,
    LOGS_GB,
    METRIC_MONTH,
    MONTH_MINUTES,
    PIPELINES_GB,
    PIPELINES_TRANSFORM_GB,
    QUERY_GB,
    REQUEST,
    S3_READ,
    S3_WRITE,
    running,
)

from tap_runtime.report import METRICS

RESULTS = Path(__file__).with_name("results")
MILLION, RECORD, SIZES = 1_000_000, 1_000, (1, 10, 100, 1000)
BATCH = 10_000_000
ON_DISK = 1.05  # a record's sender, time and request beside its 1,000 bytes
LANDED_BYTES = 540 + LOG_LINE  # what a landing logs; what goes well logs nothing else
QUERIES, SHOWN_MINUTES = 3, 180  # of the dashboard, and what it shows when it is opened


@dataclass(frozen=True)
class Measured:
    """What a request and a landing take."""

    billed_ms: dict[int, float]
    full_ms: float
    small_ms: float
    writes: float
    reads: float

    def landing_ms(self, batch_bytes: float) -> float:
        """Between a batch of next to nothing and one of 10 MB by their bytes."""
        return self.small_ms + (self.full_ms - self.small_ms) * min(1.0, batch_bytes / BATCH)


@dataclass(frozen=True)
class Bill:
    """Dollars of a million requests."""

    requests: float
    accepting: float
    landing: float
    s3: float
    logs: float

    def total(self) -> float:
        """All of it."""
        return self.requests + self.accepting + self.landing + self.s3 + self.logs


def bill(measured: Measured, records: int, batches: float) -> Bill:
    """Of a million requests that become so many batches."""
    batch_bytes = MILLION * records * RECORD * ON_DISK / batches
    return Bill(
        requests=MILLION * REQUEST,
        accepting=MILLION * running(measured.billed_ms[records]),
        landing=batches * running(measured.landing_ms(batch_bytes)),
        s3=batches * (measured.writes * S3_WRITE + measured.reads * S3_READ),
        logs=batches * LANDED_BYTES / 1e9 * LOGS_GB,
    )


def full(records: int) -> float:
    """Batches where traffic is dense enough that each fills to 10 MB."""
    return max(1.0, MILLION * records * RECORD * ON_DISK / BATCH)


def spread(records: int) -> float:
    """Batches where the million comes evenly over a month: one a minute, or more where they fill sooner."""
    return max(float(MONTH_MINUTES), full(records))


def firehose(records: int, packed: bool) -> float:
    """With conversion to Parquet. A record is billed in steps of 5,000 bytes; `packed`: the sender joins them, newlines between."""
    sent = MILLION * records * RECORD
    steps = -(-records * RECORD // FIREHOSE_STEP) * MILLION if packed else MILLION * records
    return max(sent, steps * FIREHOSE_STEP) / 1e9 * (FIREHOSE_GB + FIREHOSE_CONVERSION_GB)


def pipelines(records: int) -> float:
    """With its SQL."""
    return MILLION * records * RECORD / 1e9 * (PIPELINES_GB + PIPELINES_TRANSFORM_GB)


def measured() -> Measured:
    """From the results of the other benches."""
    small, land = (read(name) for name in ("lambda_small", "lambda_land"))
    return Measured(
        billed_ms={size: small[f"billed for {size} records"] for size in SIZES},
        full_ms=1000 * land["second landing of an environment"],
        small_ms=small["billed for a post that opens and lands a batch of its own"],
        writes=small["requests to S3 a batch: writes"],
        reads=small["requests to S3 a batch: reads"],
    )


def watching(taps: int) -> dict[str, float]:
    """Dollars, by what is paid, of watching so many taps that land a batch a minute."""
    each = len(METRICS) * METRIC_MONTH
    shown = taps * SHOWN_MINUTES * LANDED_BYTES / 1e9
    return {
        f"the mesh's {len(METRICS)} metrics, a month": each,
        "not done: the same of each tap": taps * each,
        "opening the dashboard, once": QUERIES * shown * QUERY_GB,
    }


def read(bench: str) -> dict[str, float]:
    """One bench's figures."""
    file = RESULTS / f"{bench}.json"
    if not file.exists():
        sys.exit(f"no figures of {bench} yet; make them first: python bench/{bench}.py")
    found: dict[str, float] = json.loads(file.read_text())
    return found


def row(*cells: object) -> str:
    """Of a table."""
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def main() -> None:
    """Prints the inputs and the tables."""
    found = measured()
    billed = ", ".join(f"{size:,}: {ms:.1f} ms" for size, ms in found.billed_ms.items())
    print(
        f"billed a request, by records: {billed}; a landing of 10 MB {found.full_ms:,.0f} ms, of next to nothing {found.small_ms:,.0f} ms"
    )
    print(f"requests to S3 a batch: {found.writes:g} writes (PUT, COPY, LIST), {found.reads:g} reads\n")
    names = ("records a request", "GB", "tapmesh, batches full", "tapmesh, over a month", "Firehose", "Firehose, packed", "Pipelines")
    print(row(*names), row(*["---"] * len(names)), sep="\n")
    for size in SIZES:
        dense, thin = (bill(found, size, batches).total() for batches in (full(size), spread(size)))
        others = firehose(size, packed=False), firehose(size, packed=True), pipelines(size)
        print(row(f"{size:,}", f"{MILLION * size * RECORD / 1e9:,.0f}", *(f"${each:,.2f}" for each in (dense, thin, *others))))
    print()
    names = ("records a request", "batches", "requests", "accepting", "landing", "S3", "logs", "together")
    print(row(*names), row(*["---"] * len(names)), sep="\n")
    for size in SIZES:
        for batches in sorted({full(size), spread(size)}):
            one = bill(found, size, batches)
            parts = (one.requests, one.accepting, one.landing, one.s3, one.logs, one.total())
            print(row(f"{size:,}", f"{batches:,.0f}", *(f"${each:.3f}" for each in parts)))
    print()
    print(row("what", "10 taps", "1,000 taps"), row(*["---"] * 3), sep="\n")
    for (what, few), many in zip(watching(10).items(), watching(1_000).values(), strict=True):
        print(row(what, f"${few:,.5g}", f"${many:,.5g}"))


if __name__ == "__main__":
    main()
