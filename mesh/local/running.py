"""The laptop mesh as it runs now: what the edge answers by and the pages show. `Dev` replaces its values on reload."""

import asyncio
import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from mesh.grants.keys import Keyring
from mesh.local.live.counts import Counts
from mesh.local.live.landings import Landings
from mesh.local.workspace import Workspace
from mesh.plan import TapPlan
from mesh.spec.mesh import Mesh
from tap_runtime.accept import Acceptor


@dataclass(frozen=True)
class Save:
    """The last save of a watched file: the taps it touched, none where it has problems; warnings stand until the next.

    `only_keys`: the taps are declared as before, and changed because the keys they check with did."""

    at: dt.datetime
    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    only_keys: bool = False

    @property
    def words(self) -> str:
        """What it did: `clicks changed; orders added`."""
        if self.only_keys:
            return "the keys changed, no tap did"
        did = {"changed": self.changed, "added": self.added, "removed": self.removed}
        return "; ".join(f"{', '.join(taps)} {verb}" for verb, taps in did.items() if taps) or "no tap changed"


@dataclass
class Running:
    """`problems`: those of the last save, when it was broken; the mesh then runs on as it was.

    `secret`: what BoilingData tokens are signed with.
    `counts`: of each tap, and of those there are none of under "". `closing` is set when the server ends: streams must end then.
    """

    mesh: Mesh
    workspace: Workspace
    keys: Keyring
    secret: str | None = field(default=None, repr=False)
    plans: Mapping[str, TapPlan] = field(default_factory=dict)
    acceptors: Mapping[str, Acceptor] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    save: Save | None = None
    counts: defaultdict[str, Counts] = field(default_factory=lambda: defaultdict(Counts))
    landings: Landings = field(default_factory=Landings)
    started: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    closing: asyncio.Event = field(default_factory=asyncio.Event)
