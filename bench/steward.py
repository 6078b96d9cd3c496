"""What the steward costs a month for 10 and 1,000 taps: requests counted at its S3, milliseconds as Lambda's emulator bills them."""

import datetime as dt
import json
import os
import statistics
from dataclasses import dataclass

import botocore
from _lambda import Account, Figures, run
from _mesh import TAP
from _prices import GB_SECOND, LAMBDA_LOG_BYTES, LOGS_GB, METRIC_MONTH, MONTH_MINUTES, REQUEST, S3_READ, S3_WRITE, SCHEDULE, running

from tap_runtime import lake
from tests.emulated.deployed import Deployed
from tests.emulated.faults import FaultyStore
from tests.emulated.rie import packages, runtime

ROUNDS = 5
METRICS = 3  # of report.metrics in the steward, each for a tap
YOUNG_S, QUIET_S = 0, 120  # a batch that fills, and one whose senders have gone: its marker and settings are read


@dataclass(frozen=True)
class Round:
    """One look, as counted; `log_bytes` without what Lambda itself logs."""

    billed_ms: float
    lists: float
    gets: float
    log_bytes: float

    def month(self) -> float:
        """Dollars a month of one look a minute."""
        logged = (self.log_bytes + LAMBDA_LOG_BYTES) / 1e9 * LOGS_GB
        return MONTH_MINUTES * (running(self.billed_ms) + REQUEST + SCHEDULE + self.lists * S3_WRITE + self.gets * S3_READ + logged)


def measure(account: Account, figures: Figures) -> None:
    """Meshes of two sizes, each with an open batch a tap."""
    for taps in (10, 1_000):
        for quiet, what in ((0, "all taking records"), (taps // 10, "one in ten gone quiet")):
            found = look(account, taps, quiet)
            name = f"{taps:,} taps, {what}"
            print(f"\n{name}: {MONTH_MINUTES:,} rounds a month")
            figures.say(f"{name}: billed a round", found.billed_ms, "ms")
            figures.say(f"{name}: LIST requests a round", found.lists, "")
            figures.say(f"{name}: GET requests a round", found.gets, "")
            figures.say(f"{name}: logged a round", found.log_bytes / 1000, "KB")
            figures.say(f"{name}: a month, without metrics", found.month(), "$")
        figures.say(
            f"{taps:,} taps: the steward's metrics a month, if each tap has a batch in every hour", taps * METRICS * METRIC_MONTH, "$"
        )
    prices = f"${GB_SECOND} a GB-second, ${S3_WRITE:.6f} a LIST, ${S3_READ:.7f} a GET, ${LOGS_GB} a GB of logs"
    print(f"\nprices: {prices}, ${METRIC_MONTH} a metric")


def look(account: Account, taps: int, quiet: int) -> Round:
    """Opens a batch in each tap, lets the steward look a few times, and counts."""
    counted = FaultyStore(account.aws.endpoint)
    fleet = account.fleet(opened(account, counted.address, taps, quiet))
    lists, gets = [], []
    for _ in range(ROUNDS + 1):
        counted.seen.clear()
        outcome = fleet.invoke({})
        fleet.settle()
        assert not outcome.failed, fleet.environments[0].logs()[-2000:]
        lists.append(sum("list-type=2" in each.path for each in counted.seen))
        gets.append(len(counted.seen) - lists[-1])
    counted.down()
    (environment,) = fleet.environments
    said = [line for line in environment.logs().splitlines() if line.startswith('{"_aws"')]
    billed = [report.billed_ms or 0 for report in environment.reports()[1:]]
    environment.vanish()
    log_bytes = sum(len(line) + 26 for line in said) / (ROUNDS + 1)
    return Round(statistics.fmean(billed), statistics.fmean(lists[1:]), statistics.fmean(gets[1:]), log_bytes)


def opened(account: Account, endpoint: str, taps: int, quiet: int) -> Deployed:
    """The steward as deployed, over a bucket with a marker and the settings of each of so many taps."""
    tap = account.tap(threshold="10MB")
    lake_url, settings_key = (tap.deployed.variables[name] for name in ("TAPMESH_LAKE", "TAPMESH_SETTINGS"))
    settings, sha256 = tap.store.get(settings_key) or b"", settings_key.rpartition("/")[2].removesuffix(".json")
    marker = json.dumps({"format": 1, "nonce": "0", "ack": "buffered", "settings": sha256, "at_most": None}).encode()
    names = [f"{TAP}{number:04}" for number in range(taps)]
    for name in names:
        tap.store.put(lake.settings_key(name, sha256), settings)
    for number, name in enumerate(names):
        age_s = QUIET_S if number < quiet else YOUNG_S
        batch = lake.new_batch(dt.datetime.now(dt.UTC) - dt.timedelta(seconds=age_s), os.urandom)
        tap.store.put(lake.marker_key(name, batch), marker)
    botocores = packages(runtime().version, f"botocore=={botocore.__version__}")  # which Lambda's own runtime has
    variables = {"TAPMESH_LAKE": lake_url, "TAPMESH_PREFIX": "bench-dev-", "PYTHONPATH": str(botocores)}
    variables |= account.aws.admin.variables(endpoint)
    layer = account.layer(f"steward-{taps}-{quiet}")
    return Deployed("steward", account.package.code, layer, variables, "tap_runtime.steward.handler", timeout_s=50)


if __name__ == "__main__":
    run("steward", measure)
