"""What a tap answers to a batch that it takes."""

from dataclasses import dataclass, field

import msgspec


class Receipt(msgspec.Struct, frozen=True):
    """A tap's answer to one request. `duplicate`: it was taken before and counts once."""

    received: int
    accepted: int
    quarantined_count: int
    durability: str
    receipt: str | None = None
    duplicate: bool = False


@dataclass
class Sent:
    """What became of a batch: a receipt for each part of it, and the lines (from 0) that by themselves are larger than the tap takes."""

    receipts: list[Receipt] = field(default_factory=list)
    too_large: list[int] = field(default_factory=list)

    @property
    def stored(self) -> bool:
        """Whether all of it is in the lake: only then may who sent it forget it."""
        return not self.too_large and all(receipt.durability == "stored" for receipt in self.receipts)
