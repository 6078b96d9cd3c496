"""A tap to do things to: what can be deployed of it, its environments, its senders, and all that was sent to it."""

import contextlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mesh.plan import Stack, TapPlan, expand
from mesh.spec.load import load
from tests.emulated.deployed import Deployed
from tests.emulated.environment import Environment
from tests.emulated.fleet import Fleet
from tests.emulated.senders import Sender, Sent
from tests.emulated.url import Answer

BUCKET = "acme-fire"
FRESHNESS_S = 62
_DEADLY = "select repeat('x', 400000000) || id as long, length(repeat('y', 400000000) || id) as longer from events"
_TAPS = """
version: 1
mesh: acme
lake: {{bucket: acme-fire, adopt: true}}
people: {{lead: {{email: lead@acme.example}}}}
teams: {{growth: [lead]}}
defaults:
  team: growth
  public: true
  memory: 442MB  # a quarter of a core
  schema: {{id: VARCHAR NOT NULL, n: INTEGER}}
  thresholds: {{bytes: {threshold}, age: 2s}}
  freshness: 62s
taps:
  buffered: {{}}
  stored: {{ack: stored}}
  deadly_buffered: {{sql: "{deadly}"}}
  deadly_stored: {{ack: stored, sql: "{deadly}"}}
"""


def planned(folder: Path, threshold: str) -> dict[str, TapPlan]:
    """The mesh's taps by name; another threshold makes other settings."""
    file = folder / f"taps-{threshold}.yaml"
    file.write_text(_TAPS.format(threshold=threshold, deadly=_DEADLY))
    checked = load(file)
    assert checked.mesh is not None, checked.problems
    return {plan.name: plan for plan in expand(checked.mesh, Stack("test", bucket=BUCKET)).taps}


@dataclass(eq=False)
class Tap:
    """One tap: what can be deployed of it, its environments, and all that was sent to it. `there`: it is not removed."""

    name: str
    versions: tuple[Deployed, ...]  # the first is deployed
    fleet: Fleet
    there: threading.Event = field(default_factory=threading.Event)
    senders: list[Sender] = field(default_factory=list)
    singles: list[Sent] = field(default_factory=list)

    def post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """As a sender does, who has no answer from a tap that is not there."""
        return self.fleet.post(body, headers) if self.there.is_set() else Answer(503, b"")

    def send_one(self, name: str) -> Sent:
        """One request, sent until it is acknowledged, by whoever calls."""
        request = Sent(f"{self.name}.{name}")
        self.singles.append(request)
        while not request.send(self.post):
            time.sleep(0.2)
        return request

    def redeploy(self) -> None:
        """Its other version, in new environments."""
        self.versions = (replace(self.versions[1]), self.versions[0])
        self.fleet.deploy(self.versions[0])

    @property
    def is_stored(self) -> bool:
        return self.name.endswith("stored")

    @property
    def sent(self) -> list[Sent]:
        return [request for sender in self.senders for request in sender.sent] + self.singles

    @property
    def living(self) -> list[Environment]:
        return [one for one in self.fleet.environments if one.state != "gone"]

    @property
    def old(self) -> list[Environment]:
        """Of a version that is deployed no more."""
        return [one for one in self.living if one.deployed is not self.versions[0]]

    def held(self) -> set[str]:
        """The batches that are on the disk of an environment."""
        found: set[str] = set()
        for one in self.living:
            with contextlib.suppress(OSError):
                found |= {folder.name for folder in (one.disk() / "tapmesh/spool").glob("*/*/*")}
        return found
