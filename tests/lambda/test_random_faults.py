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


@pytest.mark.timeout(900)  # it takes under a minute; on a busy machine many times that
def test_what_goes_wrong_loses_and_doubles_nothing_it_may_not(s3: Aws, package: Package, tmp_path: Path) -> None:
    print(f"again: python bench/faults.py --faults {len(DECK)} --crowd 5 --seed {SEED}")
    with Scene(s3, package, tmp_path, SEED, crowd=5) as scene:
        print(*befall(scene, len(DECK)), sep=", ")
        scene.settle()
        accounts, wrong = scene.accounts()
    print(table(accounts))
    assert wrong == []
    assert all(each.acknowledged for each in accounts)
    assert left_behind() == []
