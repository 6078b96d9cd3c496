"""What `tapmesh send` tells at its end: counts, receipts, and whether all of it was taken."""

from dataclasses import dataclass, field

from mesh.cli.say import fail, note, warn
from mesh.receipt import Sent

_LINES_SHOWN = 10
_RANGES_SHOWN = 4


@dataclass
class Totals:
    """What the tap has taken so far; `line` comes next, `too_large` were left out. `accepted` counts those of `before` too."""

    line: int
    received: int = 0
    accepted: int = 0
    quarantined: int = 0
    before: int = 0
    receipts: list[tuple[str, str]] = field(default_factory=list)
    ranges: int = 0
    durability: str = ""
    too_large: list[int] = field(default_factory=list)

    def add(self, sent: Sent) -> None:
        """One more batch, which begins at `line`."""
        for receipt in sent.receipts:
            self.received, self.accepted = self.received + receipt.received, self.accepted + receipt.accepted
            self.quarantined += receipt.quarantined_count
            self.before += receipt.accepted if receipt.duplicate else 0
            self.durability = receipt.durability
            if receipt.receipt is not None:
                self._keep(receipt.receipt)
        self.too_large += [self.line + line for line in sent.too_large]

    def _keep(self, receipt: str) -> None:
        """First and last of each run of receipts of one batch; of many runs the first ones and the last, as a stream may be endless."""
        if self.receipts and _batch(self.receipts[-1][1]) == _batch(receipt):
            self.receipts[-1] = self.receipts[-1][0], receipt
            return
        self.ranges += 1
        self.receipts[_RANGES_SHOWN - 1 :] = [(receipt, receipt)]

    def tell(self) -> None:
        if not self.received:
            return
        rest = f"({self.durability}), {self.quarantined:,} in quarantine"
        if self.before:
            note(f"{_records(self.accepted - self.before)} new, {self.before:,} sent before {rest}")
            note("sent before: lines that this tap has from a file of the same content; they count once, --again sends them as new ones")
        else:
            note(f"{_records(self.accepted)} accepted {rest}")
        if self.receipts:
            note(f"receipts: {self._shown()}")
        if self.quarantined:
            warn('tapmesh query "select reason, record from _quarantine" shows them once they have landed')

    def _shown(self) -> str:
        shown = [first if first == last else f"{first} to {last}" for first, last in self.receipts]
        if self.ranges > len(shown):
            shown.insert(-1, "…")
        return ", ".join(shown) + ("; --json lists all" if self.ranges > 1 else "")

    def judge(self) -> None:
        """Ends the command with 1 when not all lines were taken, or none was good."""
        if self.too_large:
            shown = ", ".join(f"{line:,}" for line in self.too_large[:_LINES_SHOWN])
            more = f" and {len(self.too_large) - _LINES_SHOWN:,} more" if len(self.too_large) > _LINES_SHOWN else ""
            fail(f"not sent, as larger than the tap takes: line {shown}{more}", "split these records; the tap's limits grow with memory", 1)
        if not self.received:
            note("no records in it; nothing was sent")
        elif not self.accepted:
            fail("no record was accepted; all are in quarantine", "a tap takes newline-delimited JSON, one object a line", 1)


def _records(count: int) -> str:
    return f"{count:,} record" + "s" * (count != 1)


def _batch(receipt: str) -> str:
    return receipt.rpartition("-")[0]
