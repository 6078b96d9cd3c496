"""A tap beside the obvious function (boto3, duckdb, one process) under Lambda's emulator: CPU a GB, INIT, memory at rest; by turns."""

import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import boto3
import duckdb
from _lambda import Account, Figures, Tap, post, run
from _mesh import events, padded, requests

from tests.emulated import tap as taps
from tests.emulated.deployed import Deployed
from tests.emulated.rie import packages, runtime

BATCHES, STARTS, AT_MOST = 2, 5, 0.6
MEMORIES_MB = (128, 256, 512, 1024, 2048, 4096, 8192)
BODIES = [*requests(list(padded(events(10_000))), 100)]  # 10 MB of 1 KB records, 100 a post


def measure(account: Account, figures: Figures) -> None:
    """All figures against the obvious function, told not to count what DuckDB reserves: else it lands nothing in so little memory."""
    mine, obvious = account.tap(threshold="10MB"), deployed(account)
    figures.say("as it comes the obvious function lands 10 MB in 100 requests with", smallest(account, obvious), "MB")
    obvious = configured(obvious, MEMORY_LIMIT="40GB")
    print(f"\naccept and land {BATCHES} batches of 10 MB, records of 1 KB, 100 a post; both with 128 MB from here on")
    compare(figures, "CPU seconds a GB", "s", *used(account, mine, obvious))
    print(f"\nstarting, median of {STARTS}")
    with_bytecode = replace(obvious, deployed=replace(obvious.deployed, layer=compiled(account, obvious.deployed.layer)))
    found = starts(account, mine, obvious, with_bytecode)
    for name, unit in (("INIT", "ms"), ("CPU of INIT and the first request", "ms"), ("memory at rest", "MB")):
        compare(figures, name, unit, found[0][name], found[1][name])
        figures.say(f"  {name} of the obvious function with bytecode for all it imports", found[2][name], unit)


def configured(tap: Tap, **variables: str) -> Tap:
    """With more environment variables."""
    return replace(tap, deployed=replace(tap.deployed, variables={**tap.deployed.variables, **variables}))


def compare(figures: Figures, name: str, unit: str, mine: float, obvious: float) -> None:
    """Both, and ours as a multiple of the other."""
    figures.say(name, mine, unit)
    figures.say(f"  the obvious function, {name}", obvious, unit)
    figures.say(f"{name}, as a multiple", mine / obvious, "x", AT_MOST)


def deployed(account: Account) -> Tap:
    """The obvious function with what it imports, and a bucket."""
    code, layer, bucket = account.folder / "obvious", account.folder / "obvious-layer", "obvious"
    code.mkdir()
    layer.mkdir()
    shutil.copyfile(Path(__file__).with_name("_obvious.py"), code / "app.py")
    wanted = packages(runtime().version, f"boto3=={boto3.__version__}", f"duckdb=={duckdb.__version__}")
    (layer / "python").symlink_to(wanted)
    store = taps.bucket(account.aws, bucket)
    variables = {**account.aws.admin.variables(account.aws.endpoint), "BUCKET": bucket, "HOME": "/tmp"}
    return Tap(Deployed("obvious", code, layer, variables, "app.handler"), store, {"content-type": "application/x-ndjson"})


def compiled(account: Account, layer: Path) -> Path:
    """The same layer with bytecode."""
    folder = account.folder / "obvious-compiled"
    shutil.copytree(layer / "python", folder / "python")
    command = [str(runtime().python), "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(folder)]
    subprocess.run(command, stdout=subprocess.DEVNULL)  # what does not compile is not imported either
    return folder


def smallest(account: Account, obvious: Tap) -> int:
    """The least memory with which it lands a batch."""
    for memory_mb in MEMORIES_MB:
        fleet = account.fleet(replace(obvious.deployed, memory_mb=memory_mb))
        before = len(list(obvious.store.list("data/")))
        status = 0
        for body in BODIES:
            status = fleet.post(body, obvious.headers).status
            fleet.settle()
        (environment,) = fleet.environments
        environment.vanish()
        if status == 200 and len(list(obvious.store.list("data/"))) > before:
            return memory_mb
        print(f"  with {memory_mb} MB it does not: {why(environment.logs())}", flush=True)
    sys.exit(f"the obvious function does not land with {MEMORIES_MB[-1]} MB either")


def why(log: str) -> str:
    """The line of a log that names the error."""
    return next((line.strip() for line in reversed(log.splitlines()) if "Error" in line or "signal" in line), "it was killed")[:160]


def used(account: Account, *contenders: Tap) -> list[float]:
    """CPU seconds each uses for a GB, everything included but INIT."""
    fleets = [account.fleet(each.deployed) for each in contenders]
    for fleet, tap in zip(fleets, contenders, strict=True):
        post(fleet, tap, BODIES[0])
    before = [fleet.environments[0].cpu().used_s for fleet in fleets]
    for body in BODIES * BATCHES:
        for fleet, tap in zip(fleets, contenders, strict=True):
            post(fleet, tap, body)
    sent_gb = BATCHES * sum(map(len, BODIES)) / 1e9
    return [(fleet.environments[0].cpu().used_s - start) / sent_gb for fleet, start in zip(fleets, before, strict=True)]


def starts(account: Account, *contenders: Tap) -> list[dict[str, float]]:
    """Medians of starting each."""
    (body,) = padded(events(1))
    found = [[started(account, tap, body) for tap in contenders] for _ in range(STARTS)]
    return [
        {
            "INIT": statistics.median(each.init_ms for each in starts),
            "CPU of INIT and the first request": statistics.median(each.cpu_ms for each in starts),
            "memory at rest": statistics.median(each.rest_mb for each in starts),
        }
        for starts in zip(*found, strict=True)
    ]


@dataclass(frozen=True)
class Start:
    """One environment's start."""

    init_ms: float
    cpu_ms: float
    rest_mb: float


def started(account: Account, tap: Tap, body: bytes) -> Start:
    """Starts an environment by its first request."""
    fleet = account.fleet(tap.deployed)
    post(fleet, tap, body)
    (environment,) = fleet.environments
    found = Start(environment.reports()[0].init_ms or 0, 1000 * environment.cpu().used_s, environment.anonymous() / 1e6)
    environment.vanish()
    return found


if __name__ == "__main__":
    run("lambda_obvious", measure)
