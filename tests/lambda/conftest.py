"""Functions under Lambda's emulator; when a test ends nothing of them may be left on this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulated import aws
from tests.emulated import tap as taps
from tests.emulated.aws import Aws
from tests.emulated.deployed import Deployed
from tests.emulated.fleet import Fleet, MakeFleet
from tests.emulated.leftovers import left_behind
from tests.emulated.tap import Package


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """An AWS that enforces policies."""
    with aws.running(tmp_path_factory.mktemp("ministack") / "log", auth=True) as running:
        yield running


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[MakeFleet]:
    """Makes fleets that vanish with the test."""
    made: list[Fleet] = []

    def make(deployed: Deployed, concurrency: int = 1000) -> Fleet:
        made.append(Fleet(deployed, tmp_path, concurrency))
        return made[-1]

    yield make
    for one in made:
        one.__exit__()
    assert left_behind() == []


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return taps.package(tmp_path_factory.mktemp("package"))
