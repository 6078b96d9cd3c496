"""What the steward costs a month for 10 and 1,000 taps: requests counted at its S3, milliseconds as Lambda's emulator bills them."""

import datetime as dt
import json
import os
import statistics
from dataclasses import dataclass, replace

from _lambda import Account, Figures, run
from _mesh import TAP
from _prices import GB_SECOND, LOG_LINE, LOGS_GB, MONTH_MINUTES, REQUEST, S3_READ, S3_WRITE, SCHEDULE, running

from tap_runtime import lake
from tests.emulated.deployed import Deployed
from tests.emulated.environment import Environment
from tests.emulated.faults import FaultyStore

ROUNDS = 5
YOUNG_S, QUIET_S = -600, 90  # one that is not a minute old while this runs, and one whose senders have gone: its marker is read


@dataclass(frozen=True)
class Round:
    """One look, as counted."""

    billed_ms: float
    lists: int
    gets: int
    log_bytes: float

    def month(self) -> float:
        """Dollars a month of one look a minute."""
        logged = self.log_bytes / 1e9 * LOGS_GB
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
    prices = f"${GB_SECOND} a GB-second, ${S3_WRITE:.6f} a LIST, ${S3_READ:.7f} a GET, ${LOGS_GB} a GB of logs"
    print(f"\nprices: {prices}")


def look(account: Account, taps: int, quiet: int) -> Round:
    """Opens a batch in each tap and lets the steward look a few times: counted through a proxy, timed without it."""
    counted = FaultyStore(account.aws.endpoint)
    deployed = opened(account, taps, quiet)
    through = replace(deployed, variables={**deployed.variables, **account.aws.admin.variables(counted.address)})
    looked(account, through, 1)
    requests = len(counted.seen)
    counted.seen.clear()
    looked(account, through, 2)
    again = counted.seen[requests:]  # what is kept from the first look is not read again
    counted.down()
    environment = looked(account, deployed, ROUNDS + 1)
    said = [line for line in environment.logs().splitlines() if line.startswith("{")]
    lists = sum("list-type=2" in each.path for each in again)
    return Round(
        billed_ms=statistics.fmean(report.billed_ms or 0 for report in environment.reports()[1:]),
        lists=lists,
        gets=len(again) - lists,
        log_bytes=sum(len(line) + LOG_LINE for line in said) / (ROUNDS + 1),
    )


def looked(account: Account, deployed: Deployed, times: int) -> Environment:
    """One environment of the steward after so many looks, gone since."""
    fleet = account.fleet(deployed)
    for _ in range(times):
        outcome = fleet.invoke({})
        fleet.settle()
        assert not outcome.failed, fleet.environments[0].logs()[-2000:]
    (environment,) = fleet.environments
    environment.vanish()
    return environment


def opened(account: Account, taps: int, quiet: int) -> Deployed:
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
    variables = {"TAPMESH_LAKE": lake_url, "TAPMESH_PREFIX": "bench-dev-"}
    variables |= account.aws.admin.variables(account.aws.endpoint)
    layer = account.layer(f"steward-{taps}-{quiet}")
    return Deployed("steward", account.package.code, layer, variables, "tap_runtime.steward.handler", timeout_s=50)


if __name__ == "__main__":
    run("steward", measure)
