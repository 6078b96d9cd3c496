"""List prices in US dollars, us-east-1, November 2026, and what a figure of them comes to; free tiers left out."""

GB_SECOND = 0.0000133334  # Lambda on arm64, up to 7.5 billion GB-seconds a month
REQUEST = 0.20 / 1e6
S3_WRITE = 0.005 / 1e3  # PUT, COPY, POST, LIST; DELETE costs nothing
S3_READ = 0.0004 / 1e3
LOGS_GB = 0.50
LOG_LINE = 26  # bytes that CloudWatch counts beside a line's own
QUERY_GB = 0.005  # that Logs Insights reads
METRIC_MONTH = 0.30  # CloudWatch, the first 10,000; each name and set of dimensions is one
SCHEDULE = 1.00 / 1e6  # EventBridge Scheduler
FIREHOSE_GB, FIREHOSE_CONVERSION_GB, FIREHOSE_STEP = 0.029, 0.018, 5_000
PIPELINES_GB, PIPELINES_TRANSFORM_GB = 0.04, 0.06

MEMORY_GB = 128 / 1024
MONTH_MINUTES = 30 * 24 * 60


def running(billed_ms: float) -> float:
    """Dollars of so many billed milliseconds at 128 MB."""
    return billed_ms / 1000 * MEMORY_GB * GB_SECOND
