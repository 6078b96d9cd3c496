"""Small posts to a tap under Lambda's emulator, 128 MB and 7.2 % of a core, and by turns to a function that only returns 200."""

import itertools
import statistics
import time

from _lambda import Account, Figures, Tap, post, run, share
from _mesh import events, padded

from tests.emulated.deployed import Deployed
from tests.emulated.faults import FaultyStore, Seen
from tests.emulated.fleet import Fleet

POSTS, STARTS, BATCHES = 400, 5, 12
PAUSE_S = 0.025  # a share of the core is spent anew every 20 ms: senders that are not synchronised seldom meet a spent one
SIZES = (1, 10, 100, 1000)


def measure(account: Account, figures: Figures) -> None:
    """All figures of small posts."""
    tap = account.tap(threshold="200MB")
    contenders = {"": tap.deployed, "only returns 200: ": account.answering(), "that and an extension that only waits: ": account.waiting()}
    fleets = {name: account.fleet(deployed) for name, deployed in contenders.items()}
    print(f"\n1 record of 1 KB a post, {POSTS} posts each, one every 25 ms or more")
    answered(fleets, tap, PAUSE_S, "", figures)
    multiple(figures)
    print("\nback to back: the next post comes before the core's share is there again")
    answered(fleets, tap, 0, "back to back: ", figures)
    print("\nthe first post of a batch, which opens its marker")
    opening(fleets[""], tap, figures)
    print(f"\nstarting, median of {STARTS}")
    starting(account, contenders, tap, figures)
    print("\nmilliseconds billed for a post of that many records of 1 KB, mean")
    for size in SIZES:
        billed(fleets[""], tap, size, figures)
    print("\na batch")
    landing(account, figures)


def answered(fleets: dict[str, Fleet], tap: Tap, pause_s: float, when: str, figures: Figures) -> None:
    """All by turns: time to the answer, what the emulator measured, CPU."""
    bodies = itertools.cycle(padded(events(50)))
    for fleet in fleets.values():
        post(fleet, tap, next(bodies))
    used = [fleet.environments[0].cpu().used_s for fleet in fleets.values()]
    taken: dict[str, list[float]] = {name: [] for name in fleets}
    for _ in range(POSTS):
        body = next(bodies)
        for name, fleet in fleets.items():
            taken[name].append(1000 * post(fleet, tap, body))
            time.sleep(pause_s)
    for (name, fleet), before in zip(fleets.items(), used, strict=True):
        reports = fleet.environments[0].reports()[-POSTS:]
        cpu_ms = 1000 * (fleet.environments[0].cpu().used_s - before) / POSTS
        figures.say(f"{when}{name}end to end, p50", share(taken[name], 50), "ms", None if when or name else 2.0)
        figures.say(f"{when}{name}end to end, p95", share(taken[name], 95), "ms")
        figures.say(f"{when}{name}handler, p50", statistics.median(each.runtime_ms or 0 for each in reports), "ms")
        figures.say(f"{when}{name}billed, mean", statistics.fmean(each.billed_ms or 0 for each in reports), "ms")
        figures.say(f"{when}{name}CPU a request", cpu_ms, "ms")


def multiple(figures: Figures) -> None:
    """The handler's time against the function without and with an extension."""
    handler = {name: value for name, value in figures.found.items() if name.endswith("handler, p50")}
    mine, bare, waiting = handler.values()
    figures.say("handler as a multiple of one that only returns 200", mine / bare, "x", 1.2)
    figures.say("that with an extension that only waits, as the same multiple", waiting / bare, "x")


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


def starting(account: Account, contenders: dict[str, Deployed], tap: Tap, figures: Figures) -> None:
    """INIT at a full core, by turns, and what stands in memory after the first request."""
    (body,) = padded(events(1))
    inits: dict[str, list[float]] = {name: [] for name in contenders}
    rests: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(STARTS):
        for name, deployed in contenders.items():
            fleet = account.fleet(deployed)
            post(fleet, tap, body)
            (environment,) = fleet.environments
            inits[name].append(environment.reports()[0].init_ms or 0)
            rests[name].append(environment.anonymous() / 1e6)
            environment.vanish()
    for name in contenders:
        figures.say(f"{name}INIT", statistics.median(inits[name]), "ms")
        figures.say(f"{name}memory at rest", statistics.median(rests[name]), "MB")


def billed(fleet: Fleet, tap: Tap, size: int, figures: Figures) -> None:
    """What a request costs that neither opens a batch nor lands one."""
    body = b"".join(padded(events(size)))
    for _ in range(posts := 20):
        post(fleet, tap, body)
        time.sleep(PAUSE_S)
    reports = fleet.environments[0].reports()[-posts:]
    figures.say(f"billed for {size} records", statistics.fmean(each.billed_ms or 0 for each in reports), "ms")


def landing(account: Account, figures: Figures) -> None:
    """Posts whose batch is due at once: what it takes to land next to nothing, and S3's requests for a batch, first to last."""
    counted = FaultyStore(account.aws.endpoint)
    tap = account.tap(threshold="1KB", endpoint=counted.address)
    fleet = account.fleet(tap.deployed)
    (body,) = padded(events(1), 2000)
    post(fleet, tap, body)
    counted.seen.clear()
    for _ in range(BATCHES):
        post(fleet, tap, body)
        time.sleep(PAUSE_S)
    counted.down()
    reports = fleet.environments[0].reports()[-BATCHES:]
    kinds = [kind(each) for each in counted.seen]
    figures.say(
        "billed for a post that opens and lands a batch of its own", statistics.fmean(each.billed_ms or 0 for each in reports), "ms"
    )
    for name in ("writes", "reads", "free"):
        figures.say(f"requests to S3 a batch: {name}", kinds.count(name) / BATCHES, "")


def kind(seen: Seen) -> str:
    """What S3 bills a request as."""
    if seen.method == "DELETE" or seen.path.endswith("?delete"):
        return "free"
    return "reads" if seen.method in ("GET", "HEAD") and "list-type=" not in seen.path else "writes"


if __name__ == "__main__":
    run("lambda_small", measure)
