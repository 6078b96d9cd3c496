"""Environments that hold a batch when traffic stops: the steward's flushes reach them, though Lambda chooses whom each one reaches."""

import datetime as dt
import json
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mesh.plan import Stack, expand
from mesh.spec.load import load
from tap_runtime import lake
from tap_runtime.lake import Store
from tap_runtime.steward import Steward
from tests.emulated import tap as taps
from tests.emulated.aws import Aws
from tests.emulated.fleet import Fleet
from tests.emulated.landed import rows
from tests.emulated.tap import Package

TAPS = """
version: 1
mesh: acme
people: {lead: {email: lead@acme.example}}
teams: {growth: [lead]}
taps:
  quiet: {team: growth, public: true, memory: 442MB, schema: {id: VARCHAR NOT NULL}, freshness: 2m}
"""
IDLE = 12
CALL_S = 0.05  # what the steward takes for a call; tap_runtime/steward.py counts on it


@pytest.fixture(scope="module")
def quiet(s3: Aws, package: Package, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Fleet, Store]]:
    """A tap with as many idle environments, of which requests reach any."""
    folder = tmp_path_factory.mktemp("quiet")
    (folder / "taps.yaml").write_text(TAPS)
    mesh = load(folder / "taps.yaml").mesh
    assert mesh is not None
    (plan,) = expand(mesh, Stack("test", bucket="acme-quiet")).taps
    store = taps.bucket(s3, "acme-quiet")
    with Fleet(taps.deployed(s3, "acme-quiet", store, plan, package), folder, IDLE, random.Random(20261125)) as fleet:
        for _ in range(IDLE):  # each is kept busy, so that the next request starts another
            assert fleet.post(b"").status == 200
            fleet.environments[-1].settle()
            assert fleet.environments[-1].claim()
        for environment in fleet.environments:
            environment.release()
        yield fleet, store


@pytest.mark.timeout(900)  # starting them takes twenty seconds; on a busy machine many times that
@pytest.mark.parametrize(("holding", "rounds"), [(10, 2), (2, 4)])
def test_all_that_fell_silent_land_within_freshness_and_so_many_rounds(
    quiet: tuple[Fleet, Store], tmp_path: Path, holding: int, rounds: int
) -> None:
    """For ten that hold a batch there are twenty flushes in the first round, for two sixteen in the third: more than environments."""
    fleet, store = quiet
    names = {f"{holding}-{number}" for number in range(holding)}
    _send(fleet, names)
    left = [_open(store)]
    while left[-1] and len(left) <= rounds:
        _look(fleet, store, minute=len(left) - 1)
        left.append(_open(store))
    print(f"open batches after each round: {left}")
    assert (left[0], left[-1]) == (holding, 0)
    assert names <= {name for (name,) in rows(store, "quiet", tmp_path / "rows", "id")}


def _open(store: Store) -> int:
    return len(list(store.list(lake.OPEN)))


def _send(fleet: Fleet, names: set[str]) -> None:
    """Each to another environment: those before it are kept busy until all were sent."""
    used = []
    for name in names:
        used.append(fleet.post(b'{"id":"%s"}' % name.encode()).environment)
        (environment,) = [one for one in fleet.environments if one.name == used[-1]]
        environment.settle()
        assert environment.claim()
    for environment in fleet.environments:
        if environment.name in used:
            environment.release()


def _look(fleet: Fleet, store: Store, minute: int) -> None:
    """The steward's round so many minutes past freshness; until those it asked are done."""
    asked: list[threading.Thread] = []

    def invoke(function: str, event: bytes) -> None:
        time.sleep(CALL_S)
        asked.append(threading.Thread(target=fleet.invoke, args=(json.loads(event),)))
        asked[-1].start()

    ahead = dt.timedelta(seconds=121 + 60 * minute)
    Steward(store, "acme-test-", invoke, lambda: dt.datetime.now(dt.UTC) + ahead, lambda line: None).look()
    for thread in asked:
        thread.join()
    fleet.settle()
