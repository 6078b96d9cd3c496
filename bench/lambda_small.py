"""Small posts to a tap under Lambda's emulator, 128 MB and 7.2 % of a core, and by turns to a function that only returns 200."""

import itertools
import statistics
import time

from _lambda import Account, Figures, Tap, post, run, share
from _mesh import events, padded

from tests.emulated.fleet import Fleet

POSTS, STARTS, BATCHES = 400, 5, 12
PAUSE_S = 0.025  # a share of the core is spent anew every 20 ms: senders that are not synchronised seldom meet a spent one
SIZES = (1, 10, 100, 1000)


def measure(account: Account, figures: Figures) -> None:
    """All figures of small posts."""
    tap = account.tap(threshold="200MB")
    mine, bare = account.fleet(tap.deployed), account.fleet(account.answering())
    for pause_s, when in ((PAUSE_S, "one every 25 ms or so"), (0.0, "back to back")):
        print(f"\n1 record of 1 KB a post, {POSTS} posts each, {when}")
        answered(mine, bare, tap, pause_s, figures, when)
    print("\nthe first post of a batch, which opens its marker")
    opening(mine, tap, figures)
    print(f"\nstarting, median of {STARTS}")
    starting(account, tap, figures)
    print("\nmilliseconds billed for a post of that many records, median")
    for size in SIZES:
        billed(mine, tap, size, figures)


def answered(mine: Fleet, bare: Fleet, tap: Tap, pause_s: float, figures: Figures, when: str) -> None:
    """Both by turns: time to the answer, what the emulator measured, CPU."""
    bodies = itertools.cycle(padded(events(50)))
    taken: dict[str, list[float]] = {"mine": [], "bare": []}
    fleets = {"mine": mine, "bare": bare}
    for fleet in fleets.values():
        post(fleet, tap, next(bodies))
    used = {name: fleet.environments[0].cpu().used_s for name, fleet in fleets.items()}
    for _ in range(POSTS):
        body = next(bodies)
        for name, fleet in fleets.items():
            taken[name].append(post(fleet, tap, body))
            time.sleep(pause_s)
    said = {name: fleet.environments[0].reports()[-POSTS:] for name, fleet in fleets.items()}
    cpu = {name: 1000 * (fleet.environments[0].cpu().used_s - used[name]) / POSTS for name, fleet in fleets.items()}
    for percent, target in ((50, 2.0), (95, None)):
        figures.say(f"end to end, p{percent}, {when}", 1000 * share(taken["mine"], percent), "ms", target)
        figures.say(f"  a function that only returns 200, {when}, p{percent}", 1000 * share(taken["bare"], percent), "ms")
    handler = {name: statistics.median(each.runtime_ms or 0 for each in reports) for name, reports in said.items()}
    figures.say(f"handler, p50, {when}", handler["mine"], "ms")
    figures.say(f"  a function that only returns 200, handler, {when}", handler["bare"], "ms")
    figures.say(f"handler as a multiple of it, {when}", handler["mine"] / handler["bare"], "x", 1.2)
    for name, text in (("mine", "billed"), ("bare", "  a function that only returns 200, billed")):
        figures.say(f"{text}, mean, {when}", statistics.fmean(each.billed_ms or 0 for each in said[name]), "ms")
    for name, text in (("mine", "CPU a request"), ("bare", "  a function that only returns 200, CPU")):
        figures.say(f"{text}, {when}", cpu[name], "ms")


def opening(fleet: Fleet, tap: Tap, figures: Figures) -> None:
    """Each batch is flushed, so that the next post opens one."""
    (body,) = padded(events(1))
    taken = []
    for _ in range(BATCHES):
        fleet.invoke({"tapmesh": "flush"})
        fleet.settle()
        time.sleep(PAUSE_S)
        taken.append(post(fleet, tap, body))
    figures.say("first post of a batch, p50", 1000 * share(taken, 50), "ms")


def starting(account: Account, tap: Tap, figures: Figures) -> None:
    """INIT at a full core, and what stands in memory after the first request."""
    (body,) = padded(events(1))
    for deployed, text in ((tap.deployed, ""), (account.answering(), "  a function that only returns 200, ")):
        fleets = [account.fleet(deployed) for _ in range(STARTS)]
        for fleet in fleets:
            post(fleet, tap, body)
        environments = [fleet.environments[0] for fleet in fleets]
        figures.say(f"{text}INIT", statistics.median(each.reports()[0].init_ms or 0 for each in environments), "ms")
        figures.say(f"{text}memory at rest", statistics.median(each.anonymous() for each in environments) / 1e6, "MB")
        for each in environments:
            each.vanish()


def billed(fleet: Fleet, tap: Tap, size: int, figures: Figures) -> None:
    """What a request costs that neither opens a batch nor lands one."""
    body = b"".join(padded(events(size)))
    for _ in range(posts := 20):
        post(fleet, tap, body)
        time.sleep(PAUSE_S)
    reports = fleet.environments[0].reports()[-posts:]
    figures.say(f"billed for {size} records", statistics.median(each.billed_ms or 0 for each in reports), "ms")


if __name__ == "__main__":
    run("lambda_small", measure)
