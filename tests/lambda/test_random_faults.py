"""Everything that goes wrong on Lambda and S3, each once and in random order, under load. `bench/faults.py` is the long form."""

import os
import random
from pathlib import Path

import pytest

from tests.emulated.account import table
from tests.emulated.aws import Aws
from tests.emulated.leftovers import left_behind
from tests.emulated.mishaps import DECK, befall
from tests.emulated.scene import Scene
from tests.emulated.tap import Package

SEED = int(os.environ.get("TAPMESH_SEED", random.SystemRandom().randrange(1_000_000)))


def is_of_buffered(fault: str) -> bool:
    """A loss that `ack: buffered` allows as long as it is reported, which is another fault. That an environment which lived to be shut
    down loses none is what `bench/faults.py` asks for; it does not hold yet (docs/limits.md)."""
    return fault.startswith(("buffered.", "deadly_buffered.")) and " is lost, which " in fault


@pytest.mark.timeout(900)  # it takes under a minute; on a busy machine many times that
def test_what_goes_wrong_loses_and_doubles_nothing_it_may_not(s3: Aws, package: Package, tmp_path: Path) -> None:
    print(f"again: python bench/faults.py --faults {len(DECK)} --crowd 5 --seed {SEED}")
    with Scene(s3, package, tmp_path, SEED, crowd=5) as scene:
        print(*befall(scene, len(DECK)), sep=", ")
        scene.settle()
        accounts, wrong = scene.accounts()
    print(table(accounts))
    assert [fault for fault in wrong if not is_of_buffered(fault)] == [], wrong
    assert all(each.acknowledged for each in accounts)
    assert left_behind() == []
