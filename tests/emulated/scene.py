"""A mesh under fire: taps of both kinds with their senders, the steward, and an S3 in between that can be told to misbehave."""

import contextlib
import datetime as dt
import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from mesh.plan import TapPlan
from tap_runtime import lake
from tap_runtime.collect import lands_anywhere
from tap_runtime.steward import Steward
from tests.emulated import tap as taps
from tests.emulated.account import Account, account, wrongs
from tests.emulated.aws import Aws
from tests.emulated.clock import preload
from tests.emulated.environment import Environment
from tests.emulated.faults import FaultyStore
from tests.emulated.fleet import Fleet
from tests.emulated.landed import read_landed
from tests.emulated.senders import Sender
from tests.emulated.tap import Package
from tests.emulated.target import BUCKET, FRESHNESS_S, Tap, planned

JUMP_S = 50  # of a clock that is off and yet believed; well under what the steward waits past freshness


class Scene:
    """`dice` decides everything that is drawn here; `crowd` is how many environments run at once when many do."""

    def __init__(self, aws: Aws, package: Package, folder: Path, seed: int, crowd: int) -> None:
        self.dice, self.crowd, self.folder = random.Random(seed), crowd, folder
        self.store = taps.bucket(aws, BUCKET)
        self.s3 = FaultyStore(aws.endpoint)
        self.going, self.ended = threading.Event(), threading.Event()
        self.may_lose: set[str] = set()  # environments that vanished, or were shut down without S3 or a lander
        self.deaf = 0  # environments that were shut down without a lander to hear it
        self.silences: list[tuple[int, int]] = []  # environments that held a batch, rounds of the steward until all were landed
        self.beside: list[threading.Thread] = []
        self._pending: list[tuple[float, Callable[[], None]]] = []
        versions = [planned(folder, threshold) for threshold in ("20KB", "21KB")]
        self.taps = [self._tap(aws, package, name, [each[name] for each in versions]) for name in versions[0]]
        self.deadly = [tap for tap in self.taps if tap.name.startswith("deadly")]
        self.busy = [tap for tap in self.taps if tap not in self.deadly]

    def _tap(self, aws: Aws, package: Package, name: str, plans: list[TapPlan]) -> Tap:
        plain = [taps.deployed(aws, BUCKET, self.store, plan, package, self.s3.address) for plan in plans]
        versions = tuple(replace(one, timeout_s=20, tmp_mb=16, variables={**one.variables, **preload()}) for one in plain)
        deadly = name.startswith("deadly")
        tap = Tap(name, versions, Fleet(versions[0], self.folder, 1 if deadly else self.crowd + 4, random.Random(self.dice.random())))
        tap.there.set()
        numbers = () if deadly else range(2)
        tap.senders = [Sender(f"{name}.{n}", tap.post, self.going, self.ended, self.dice.getrandbits(32)) for n in numbers]
        return tap

    def __enter__(self) -> "Scene":
        self.going.set()
        for sender in self._senders:
            sender.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.ended.set()
        for tap in self.taps:
            tap.there.clear()
            tap.fleet.__exit__()
        self.s3.down()

    @property
    def _senders(self) -> list[Sender]:
        return [sender for tap in self.taps for sender in tap.senders]

    def later(self, do: Callable[[], None], within_s: tuple[float, float]) -> None:
        """Does it after a while, and in any case before the scene is calm."""
        self._pending.append((time.monotonic() + self.dice.uniform(*within_s), do))

    def wait(self, seconds: float) -> None:
        """Lets time pass and what is due happen."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for due in [pair for pair in self._pending if time.monotonic() >= pair[0]]:
                self._pending.remove(due)
                due[1]()
            time.sleep(0.02)

    def calm(self) -> None:
        """S3 is well, everything that was to end has ended, and no environment of an old version is left."""
        while self._pending:
            self._pending.pop(0)[1]()
        self.s3.clear()
        self.s3.up()
        for tap in self.taps:
            for one in tap.old:
                self.end(one)

    def end(self, one: Environment) -> None:
        """SHUTDOWN, with an S3 that is well: nothing may be lost, unless the lander is dead or stopped and does not hear it."""
        self.s3.clear()
        self.s3.up()
        with contextlib.suppress(OSError):
            if not one.hears():
                self.may_lose.add(one.name)
                self.deaf += 1
        one.shutdown()

    def look(self, ahead_s: int = FRESHNESS_S + JUMP_S + 2) -> None:
        """The steward's round, so much later that all that is open is past its freshness; until those it asked have answered."""
        asked: list[threading.Thread] = []

        def invoke(function: str, event: bytes) -> None:
            fleet = next(tap.fleet for tap in self.taps if tap.name == function)
            asked.append(threading.Thread(target=fleet.invoke, args=(json.loads(event),)))
            asked[-1].start()

        ahead = dt.timedelta(seconds=ahead_s)
        Steward(self.store, "", invoke, lambda: dt.datetime.now(dt.UTC) + ahead, lambda line: None).look()
        for thread in asked:
            thread.join()

    def open_batches(self, tap: Tap) -> set[str]:
        """What is marked open."""
        return {entry.key.rpartition("/")[2] for entry in self.store.list(f"{lake.OPEN}{tap.name}/")}

    def look_until_landed(self, among: Sequence[Tap], within_s: float = 120) -> int:
        """Looks again until nothing is open but what only an environment held that is gone; how often."""
        until, rounds = time.monotonic() + within_s, 0
        while time.monotonic() < until and any(self._landable(tap) for tap in among):
            self.look()
            rounds += 1
            for tap in among:
                tap.fleet.settle()
        return rounds

    def _landable(self, tap: Tap) -> set[str]:
        held, ack = tap.held(), "stored" if tap.is_stored else "buffered"
        return {one for one in self.open_batches(tap) if one in held or lands_anywhere(self.store, tap.name, one, ack)}

    def settle(self) -> None:
        """Silence: every request gets its answer, everything that can land lands, and the steward reports the rest."""
        self.calm()
        for thread in self.beside:
            thread.join(180)
        self.ended.set()
        for sender in self._senders:
            sender.join(180)
            assert not sender.is_alive(), f"{sender.label} has no answer"
            if sender.failure is not None:
                raise sender.failure
        self.look_until_landed(self.taps)
        self.look(FRESHNESS_S + JUMP_S + 121)

    def accounts(self) -> tuple[list[Account], list[str]]:
        """Tap by tap from the lake, and what is wrong."""
        found, wrong = [], []
        self.may_lose |= {one.name for tap in self.taps for one in tap.fleet.environments if one.crashed}
        for tap in self.taps:
            landed = read_landed(self.store, tap.name, self.folder / f"read-{tap.name}")
            found.append(account(tap.name, tap.sent, landed, FRESHNESS_S, tap.is_stored))
            wrong += wrongs(tap.sent, landed, () if tap.is_stored else self.may_lose)
            wrong += [f"{found[-1].duplicated} lines of {tap.name} are doubled"] if found[-1].duplicated else []
        return found, wrong
