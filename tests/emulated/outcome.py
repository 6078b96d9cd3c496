"""What came of a request: the runtime's own answer, or the emulator's word for why there is none; and its REPORT lines."""

import re
from dataclasses import dataclass

_REPORT = re.compile(r"REPORT RequestId: (\S+)\t(?:Init Duration: ([\d.]+) ms\t)?Duration: ([\d.]+) ms\tBilled Duration: (\d+) ms\t")


@dataclass
class Outcome:
    """`failed`: a function error, or (`lost`) the environment went away under the request. `seconds`: until the sender has it."""

    body: bytes
    failed: bool = False
    lost: bool = False
    seconds: float = 0


@dataclass(frozen=True)
class Report:
    """Milliseconds as the emulator counts them: the extensions' work after the answer is in them, as on Lambda's bill."""

    request_id: str
    init_ms: float | None
    duration_ms: float
    billed_ms: int


def read_reports(log: str) -> list[Report]:
    """The REPORT lines of a log."""
    return [Report(id_, float(init) if init else None, float(took), int(billed)) for id_, init, took, billed in _REPORT.findall(log)]
