"""What came of a request: the runtime's own answer, or the emulator's word for why there is none; and what it logged of each request."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FACTS = re.compile(
    r"^START RequestId: (?P<start>\S+)"
    r"|INIT REPORT\(durationMs: (?P<init>[\d.]+)"
    r"|INVOKE RTDONE\(status: success.* duration: (?P<runtime>[\d.]+)ms"
    r"|^REPORT RequestId: .*\tDuration: (?P<whole>[\d.]+) ms\tBilled Duration: (?P<billed>\d+) ms",
    re.MULTILINE,
)


@dataclass
class Outcome:
    """`failed`: a function error, or (`lost`) the environment went away under the request. `seconds`: until the sender has it."""

    body: bytes
    failed: bool = False
    lost: bool = False
    seconds: float = 0


@dataclass
class Report:
    """Milliseconds of one request: starting the environment, the runtime until it asks for more, and INIT, runtime and extensions together.

    `init_ms` is the emulator's INIT REPORT: the Init Duration in its REPORT is always nothing. What the emulator did not finish has None.
    """

    request_id: str
    init_ms: float | None = None
    runtime_ms: float | None = None
    whole_ms: float | None = None
    billed_ms: int | None = None


def read_reports(log: str) -> list[Report]:
    """One a request, in order."""
    return list(_reports(log))


def _reports(log: str) -> Iterator[Report]:
    report = None
    for found in _FACTS.finditer(log):
        if found["start"]:
            if report:
                yield report
            report = Report(found["start"])
        elif report and found["init"]:
            report.init_ms = float(found["init"])
        elif report and found["runtime"]:
            report.runtime_ms = float(found["runtime"])
        elif report:
            report.whole_ms, report.billed_ms = float(found["whole"]), int(found["billed"])
    if report:
        yield report
