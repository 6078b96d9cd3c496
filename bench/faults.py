"""Random faults on Lambda and S3 against taps of both kinds under load; then the accounting, read from the lake.

As root, for namespaces and cgroups. `--faults 500 --seed 7`: the same faults in the same order, at moments that the machine decides.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests' emulator

from tests.emulated import aws  # noqa: E402
from tests.emulated.account import table  # noqa: E402
from tests.emulated.mishaps import DECK, befall  # noqa: E402
from tests.emulated.scene import Scene  # noqa: E402
from tests.emulated.tap import package  # noqa: E402


def main() -> None:
    """Prints the seed, each fault as it comes, and the table; ends with 1 when anything was lost or doubled that must not be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=2 * len(DECK))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--crowd", type=int, default=12, help="environments at once where there are many")
    asked = parser.parse_args()
    print(f"{asked.faults} faults, seed {asked.seed}", flush=True)
    started = time.monotonic()
    happened: Counter[str] = Counter()
    with (
        tempfile.TemporaryDirectory() as name,
        aws.running((folder := Path(name)) / "ministack.log", auth=True) as s3,
        Scene(s3, package(folder / "package"), folder, asked.seed, asked.crowd) as scene,
    ):
        for fault in befall(scene, asked.faults):
            happened[fault] += 1
            print(f"{time.monotonic() - started:6.1f} s  {fault}", flush=True)
        scene.settle()
        accounts, wrong = scene.accounts()
        ends = {
            one.name: one.logs()[-1500:] for tap in scene.taps for one in tap.fleet.environments if any(one.name in line for line in wrong)
        }
        crashed = [one.logs()[-1500:] for tap in scene.taps for one in tap.fleet.environments if one.crashed]
    print(*(f"{count:4} {name}" for name, count in sorted(happened.items())), "", table(accounts), "", sep="\n")
    silent = ", ".join(f"{environments}: {rounds}" for environments, rounds in scene.silences)
    print(f"environments shut down without a lander to hear it: {scene.deaf}")
    print(f"emulators that crashed by themselves: {len(crashed)}", *crashed, sep="\n")
    print(f"environments in silence: rounds of the steward until all of them had landed: {silent}", *wrong, *ends.items(), sep="\n")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
