"""The last words of `tapmesh send`: receipts by batch, a few of many."""

import pytest

from mesh.cli.totals import Totals
from mesh.receipt import Receipt, Sent


def told(receipts: list[str], capfd: pytest.CaptureFixture[str]) -> str:
    totals = Totals(1)
    for receipt in receipts:
        totals.add(Sent([Receipt(1, 1, 0, "buffered", receipt)]))
    totals.tell()
    return capfd.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("receipts", "shown"),
    [
        (["a-b-1"], "a-b-1"),
        (["a-b-1", "a-b-2", "a-b-5"], "a-b-1 to a-b-5"),
        (["a-1", "a-2", "b-1", "c-1", "c-2"], "a-1 to a-2, b-1, c-1 to c-2; --json lists all"),
        ([f"{batch}-{n}" for batch in "abcdef" for n in (1, 2)], "a-1 to a-2, b-1 to b-2, c-1 to c-2, …, f-1 to f-2; --json lists all"),
    ],
)
def test_receipts_are_told_by_batch(receipts: list[str], shown: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert told(receipts, capfd) == f"receipts: {shown}"
