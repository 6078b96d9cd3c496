"""What the benches of Lambda share: a tap as deployed and the function that only answers, under the emulator; figures against targets.

Figures are kept in `bench/results/`, a file a bench, so that `cost.py` can take them from there.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests' emulator is measured with

from _mesh import TAP, planned  # noqa: E402
from _targets import Targets  # noqa: E402

from tap_runtime.store import ObjectStore  # noqa: E402
from tests.emulated import aws  # noqa: E402
from tests.emulated import tap as taps  # noqa: E402
from tests.emulated.aws import Aws  # noqa: E402
from tests.emulated.deployed import Deployed  # noqa: E402
from tests.emulated.fleet import Fleet  # noqa: E402

RESULTS = Path(__file__).with_name("results")
_ANSWERS = 'def handler(event, context):\n    return {"statusCode": 200}\n'
_WAITS = """#!/bin/sh
export PYTHONPATH=/opt/python:/var/task
exec /var/lang/bin/python3 -c '
import os
from tap_runtime.extension import Extension
extension = Extension(os.environ["AWS_LAMBDA_RUNTIME_API"], "waiting")
while extension.ask() and extension.event().event_type == "INVOKE":
    pass'
"""


@dataclass
class Figures:
    """What a bench has found; a missed target is said at once, and by the exit code at the end."""

    bench: str
    found: dict[str, float] = field(default_factory=dict)
    targets: Targets = field(default_factory=Targets)

    def say(self, name: str, value: float, unit: str, at_most: float | None = None) -> None:
        """Prints one figure, and whether it is within its target."""
        verdict = ""
        if at_most is not None:
            verdict = f"   target {at_most:,g} {unit}: {self.targets.verdict(name, value <= at_most)}"
        print(f"  {name:66} {value:10,.2f} {unit}{verdict}", flush=True)
        self.found[name.strip()] = value

    def end(self) -> None:
        """Writes the figures down; exits 1 when a target was missed."""
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{self.bench}.json").write_text(json.dumps(self.found, indent=1) + "\n")
        self.targets.end()


@dataclass(frozen=True)
class Tap:
    """A deployed tap, its bucket, and the headers a post needs."""

    deployed: Deployed
    store: ObjectStore
    headers: dict[str, str]


@dataclass
class Account:
    """An AWS of our own and a built package; every fleet in it vanishes with it."""

    aws: Aws
    folder: Path
    package: taps.Package
    fleets: list[Fleet] = field(default_factory=list)

    def tap(self, threshold: str, endpoint: str | None = None) -> Tap:
        """A tap that takes web events and tokens, and lands at `threshold`; a bucket of its own."""
        folder = self.folder / f"mesh-{len(list(self.folder.iterdir()))}"
        folder.mkdir()
        store = taps.bucket(self.aws, folder.name)
        made = planned(folder, threshold=threshold, bucket=folder.name)
        return Tap(taps.deployed(self.aws, folder.name, store, made.plan, self.package, endpoint), store, made.headers)

    def answering(self) -> Deployed:
        """A function that only returns 200, without an extension."""
        code, layer = self.folder / "answering", self.folder / "no-layer"
        for folder in (code, layer):
            folder.mkdir(exist_ok=True)
        (code / "app.py").write_text(_ANSWERS)
        return Deployed("answering", code, layer, handler="app.handler")

    def waiting(self) -> Deployed:
        """The same function beside an extension that only waits for the next event: what any extension in Python costs."""
        code, layer = self.folder / "waiting", self.layer("waiting")
        shutil.copytree(self.package.code, code)
        (code / "app.py").write_text(_ANSWERS)
        (layer / "extensions").mkdir()
        (layer / "extensions" / "waiting").write_text(_WAITS)
        (layer / "extensions" / "waiting").chmod(0o755)
        return Deployed("waiting", code, layer, handler="app.handler")

    def layer(self, name: str) -> Path:
        """The packages without the lander."""
        folder = self.folder / f"layer-{name}"
        shutil.copytree(self.package.layer, folder, ignore=shutil.ignore_patterns("extensions"))
        return folder

    def fleet(self, deployed: Deployed) -> Fleet:
        """Where it runs."""
        self.fleets.append(Fleet(deployed, self.folder))
        return self.fleets[-1]


@contextmanager
def account() -> Iterator[Account]:
    """One to measure in."""
    with tempfile.TemporaryDirectory(prefix="tapmesh-bench-") as name:
        folder = Path(name)
        with aws.running(folder / "ministack.log", auth=True) as running:
            made = Account(running, folder, taps.package(folder))
            try:
                yield made
            finally:
                for fleet in made.fleets:
                    fleet.__exit__()


def post(fleet: Fleet, tap: Tap, body: bytes) -> float:
    """One request, which must be answered 200, and all that follows it; seconds until the sender had the answer."""
    answer = fleet.post(body, tap.headers)
    fleet.settle()
    if answer.status != 200:
        sys.exit(f"{TAP} answered {answer.status}: {answer.body[:300]!r}\n{fleet.environments[0].logs()[-2000:]}")
    return answer.seconds


def share(values: list[float], percent: int) -> float:
    """The value that so many percent do not pass."""
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


def run(bench: str, measure: Callable[[Account, Figures], None]) -> None:
    """Measures, prints, keeps the figures, exits 1 past a target."""
    figures = Figures(bench)
    with account() as made:
        measure(made, figures)
    figures.end()
