"""The accounting at the end: what senders were told, set against what the lake holds."""

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import astuple, dataclass

from tap_runtime.lake import opened_at
from tests.emulated.landed import Landed
from tests.emulated.senders import LINES, Sent

HEAD = ("tap", "received", "acknowledged", "landed", "quarantined", "late", "lost", "duplicated")


@dataclass(frozen=True)
class Account:
    """Lines. `late`: of batches that landed past their freshness. `duplicated`: of requests that a sender had to send once only."""

    tap: str
    received: int
    acknowledged: int
    landed: int
    quarantined: int
    late: int
    lost: int
    duplicated: int


def account(tap: str, sent: Sequence[Sent], landed: Landed, freshness_s: int, keyed: bool) -> Account:
    """Of one tap; `keyed`: a request that was sent again counts once too."""
    acknowledged = [request for request in sent if request.batch]
    there = landed.rows + landed.quarantined
    late = sum(each.counts.received for each in landed.manifests if _late(each.batch, each.landed_at, freshness_s))
    once = [request for request in sent if keyed or request.sends == 1]
    twice = sum(max(0, there[name] - 1) for request in once for name in (*request.good, request.bad))
    return Account(
        tap,
        len(sent) * (LINES + 1),
        len(acknowledged) * (LINES + 1),
        landed.rows.total(),
        landed.quarantined.total(),
        late,
        sum(len(_missing(request, there)) for request in acknowledged),
        twice,
    )


def _late(batch: str, landed_at: str, freshness_s: int) -> bool:
    return (dt.datetime.fromisoformat(landed_at) - opened_at(batch)).total_seconds() > freshness_s


def _missing(request: Sent, there: Counter[str]) -> list[str]:
    return [name for name in (*request.good, request.bad) if not there[name]]


def wrongs(sent: Sequence[Sent], landed: Landed, may_lose: Collection[str]) -> Iterator[str]:
    """What breaks the promise: lines lost by an environment that may lose none, or not reported, or more than reported; leftovers."""
    there = landed.rows + landed.quarantined
    lost: dict[str, Counter[str]] = {}
    for request in sent:
        if request.batch and (missing := _missing(request, there)):
            lost.setdefault(request.batch, Counter()).update(requests=1, records=len(missing))
            if request.environment not in may_lose:
                yield f"{request.name} is lost, which {request.environment} acknowledged in {request.batch}"
    landed_batches = {manifest.batch for manifest in landed.manifests}
    for batch, much in lost.items():
        report = landed.lost.get(batch)
        if batch in landed_batches or report is None or report.at_most is None:
            yield f"of {batch} {dict(much)} are lost and not reported"
        elif much["requests"] > report.at_most.requests or much["records"] > report.at_most.records:
            yield f"of {batch} {dict(much)} are lost and at most {report.at_most} reported"
    marked = {key.split("/")[3] for key in landed.left if key.startswith("_mesh/open/")}
    for key in landed.left:
        batch = key.split("/")[3]
        if batch not in landed.lost and (
            batch in marked or batch not in landed_batches
        ):  # S3 may take a segment after its batch has landed
            yield f"{key} was left"


def table(accounts: Sequence[Account]) -> str:
    """For people, and for docs/benchmarks.md."""
    lines = [HEAD, ("---",) * len(HEAD), *(tuple(map(str, astuple(each))) for each in accounts)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
