"""Landing and SHUTDOWN under Lambda's emulator, 128 MB and 7.2 % of a core: seconds, memory, and minutes of load without a kill."""

import argparse
import functools
import itertools
import random
import statistics
import time
from pathlib import Path

from _lambda import Account, Figures, Tap, post, run
from _mesh import TAP, events, requests

from tap_runtime.manifest import read_manifest
from tests.emulated.environment import Environment
from tests.emulated.fleet import Fleet
from tests.emulated.highwater import high_water

ENVIRONMENTS, LANDINGS, SAVES = 3, 3, 3
SPOOLED_RECORDS = 39_400  # 10 MB on disk: each line carries its sender, time and request
TIMES = ("first", "second", "third", "fourth")
SIZES = (1, 1, 1, 10, 10, 100, 100, 1000, 5000)


def measure(minutes: float, account: Account, figures: Figures) -> None:
    """All figures of landing."""
    print(f"\na batch of 10 MB lands, median of {ENVIRONMENTS} environments")
    landings(account, figures)
    print(f"\nSHUTDOWN with 10 MB spooled, from SIGTERM to the last exit, median of {SAVES}")
    saves(account, figures)
    print(f"\nmixed posts for {minutes:g} minutes, landing at 10 MB")
    endure(account, figures, minutes)


def landings(account: Account, figures: Figures) -> None:
    """Each environment lands a few batches, one after the other."""
    bodies = requests(list(events(46_000)), 46)
    took: list[list[float]] = []
    marks, peaks, files = [], [], []
    for _ in range(ENVIRONMENTS):
        tap = account.tap(threshold="10MB")
        fleet = account.fleet(tap.deployed)
        post(fleet, tap, bodies[0])
        environment = fleet.environments[0]
        with high_water(environment) as mark:
            took.append([until_landed(fleet, tap, bodies) for _ in range(LANDINGS)])
        used = environment.memory()
        marks.append(mark.anonymous / 1e6)
        peaks.append(used.peak / 1e6)
        files.append(used.file / 1e6)
        environment.vanish()
    for number, name in enumerate(TIMES[:LANDINGS]):
        figures.say(f"{name} landing of an environment", statistics.median(each[number] for each in took), "s", 2.0)
    figures.say("most memory that could not be taken back", max(marks), "MB")
    figures.say("peak of all memory, page cache included", max(peaks), "MB")
    figures.say("page cache at the end, which could be taken back", max(files), "MB")


def until_landed(fleet: Fleet, tap: Tap, bodies: list[bytes]) -> float:
    """Posts until a batch has landed; the seconds the environment took for it beyond the answer."""
    landed = len(manifests(tap))
    for body in itertools.cycle(bodies):
        post(fleet, tap, body)
        if len(manifests(tap)) > landed:
            break
    report = fleet.environments[0].reports()[-1]
    assert report.whole_ms is not None and report.runtime_ms is not None, fleet.environments[0].logs()[-2000:]
    return (report.whole_ms - report.runtime_ms) / 1000


def manifests(tap: Tap) -> list[str]:
    """Keys of what has landed."""
    return [entry.key for entry in tap.store.list(f"_mesh/landed/{TAP}/")]


def saves(account: Account, figures: Figures) -> None:
    """What is open goes to the lake; the segment and its SEAL must be there afterwards."""
    bodies = requests(list(events(SPOOLED_RECORDS)), 40)
    took, sizes = [], []
    for _ in range(SAVES):
        tap = account.tap(threshold="200MB")
        fleet = account.fleet(tap.deployed)
        for body in bodies:
            post(fleet, tap, body)
        environment = fleet.environments[0]
        sizes.append(spooled(environment) / 1e6)
        took.append(environment.shutdown())
        kept = [entry.size for entry in tap.store.list(f"_mesh/stored/{TAP}/")]
        assert len(kept) == 2 and "saved" in environment.logs(), environment.logs()[-2000:]
    figures.say("spooled", statistics.median(sizes), "MB")
    figures.say("SHUTDOWN", statistics.median(took), "s", 1.5)
    figures.say("longest SHUTDOWN", max(took), "s")


def spooled(environment: Environment) -> int:
    """Bytes of records on its disk."""
    return sum(file.stat().st_size for file in Path(environment.tmp).rglob("data.ndjson"))


def endure(account: Account, figures: Figures, minutes: float) -> None:
    """Posts of any size, with more fields and with bad lines, until time is up; then what is open lands and everything is counted."""
    tap = account.tap(threshold="10MB")
    fleet = account.fleet(tap.deployed)
    draw = random.Random(5)
    lines = [*events(5_000), *events(5_000, extra=True)]
    sent = refused = posts = 0
    until = time.monotonic() + 60 * minutes
    while time.monotonic() < until:
        size = draw.choice(SIZES)
        bad = draw.random() < 0.1
        start = draw.randrange(len(lines) - size)
        post(fleet, tap, b"".join(lines[start : start + size]) + bad * b'{"eventType": 1}\n')
        posts, sent, refused = posts + 1, sent + size, refused + bad
    fleet.invoke({"tapmesh": "flush"})
    fleet.settle()
    counts = [read_manifest(tap.store.get(key) or b"").counts for key in manifests(tap)]
    landed, kept = sum(each.rows for each in counts), sum(each.refused for each in counts)
    (environment,) = fleet.environments
    print(f"  {posts:,} posts, {len(counts)} landings, {sent:,} records sent, {landed:,} landed; {refused} bad, {kept} quarantined")
    figures.say("acknowledged records that are not where they should be", abs(sent - landed) + abs(refused - kept), "", 0)
    figures.say("killed for want of memory", environment.memory().oom_kills, "", 0)
    figures.say("landings that failed and were tried again", environment.logs().count('"event":"failed"'), "", 0)
    figures.say("peak of all memory under mixed load", environment.memory().peak / 1e6, "MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1, help="how long the mixed load lasts; the claim is for 10")
    run("lambda_land", functools.partial(measure, parser.parse_args().minutes))
