"""What the benches share: web events, and a mesh of one tap in a folder with an acceptor in this process."""

import datetime as dt
import json
import os
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from mesh.grants.keys import SigningKey, laptop_keyring
from mesh.grants.tokens import issue
from mesh.local.workspace import STACK, Workspace, beside
from mesh.plan import Stack, TapPlan, expand, issuer
from mesh.spec import load
from tap_runtime import lake, spool
from tap_runtime.accept import Acceptor
from tap_runtime.http import Request
from tap_runtime.store import folder_store

TAP = "clicks"
SENDER = "lead"
ALL = "select * from events"
_FILE = """\
version: 1
mesh: bench
lake: {{bucket: bench-lake}}
people:
  lead: {{email: lead@acme.example}}
teams:
  growth: [lead]
taps:
  clicks:
    team: growth
    schema: {{eventType: VARCHAR NOT NULL, ts: TIMESTAMP, x: INTEGER, y: INTEGER, url: VARCHAR, session: VARCHAR}}
    public: {public}
    sql: {sql}
    thresholds: {{bytes: {threshold}, age: 60s}}
"""
_KINDS = ("mousemove", "mousemove", "mousemove", "click", "pageload", "scroll")
_START = dt.datetime(2026, 11, 23, 8, tzinfo=dt.UTC)


def events(count: int, extra: bool = False, seed: int = 7) -> Iterator[bytes]:
    """Web events as JSON lines of about 220 bytes; `extra`: every second one has two fields the schema does not name."""
    draw = random.Random(seed)
    sessions = [f"{draw.getrandbits(128):032x}" for _ in range(500)]
    for number in range(count):
        event = {
            "eventType": draw.choice(_KINDS),
            "ts": (_START + dt.timedelta(milliseconds=37 * number + draw.randrange(30))).isoformat(timespec="milliseconds")[:-6] + "Z",
            "x": draw.randrange(1920),
            "y": draw.randrange(1080),
            "url": f"https://shop.acme.example/products/{draw.randrange(900):05d}?color=red&size={draw.randrange(30)}&utm_source=newsletter",
            "session": draw.choice(sessions),
        }
        if extra and number % 2:
            event |= {"button": draw.randrange(3), "campaign": draw.choice(("spring", "summer", "none"))}
        yield json.dumps(event, separators=(",", ":")).encode() + b"\n"


def padded(lines: Iterable[bytes], size: int = 1000, seed: int = 8) -> Iterator[bytes]:
    """The same events, each of `size` bytes: somebody searched for that many words."""
    draw = random.Random(seed)
    words = [bytes(draw.choices(b"abcdefghijklmnopqrstuvwxyz", k=draw.randrange(3, 10))) for _ in range(2_000)]
    for line in lines:
        sought = b"+".join(draw.choices(words, k=size // 4))
        yield line.replace(b"&utm_source", b"&q=" + sought[: size - len(line) - 3] + b"&utm_source", 1)


def requests(lines: list[bytes], count: int) -> list[bytes]:
    """The lines as so many request bodies."""
    size = -(-len(lines) // count)
    return [b"".join(lines[start : start + size]) for start in range(0, len(lines), size)]


class Planned(NamedTuple):
    """A mesh with the one tap `clicks`: its file and folders, what it becomes, and the headers a post needs."""

    file: Path
    workspace: Workspace
    plan: TapPlan
    headers: dict[str, str]


def planned(folder: Path, public: bool = False, threshold: str = "200MB", bucket: str | None = None, sql: str = ALL) -> Planned:
    """Writes such a mesh into `folder`; its token is good for a day."""
    file = folder / "taps.yaml"
    file.write_text(_FILE.format(public=str(public).lower(), threshold=threshold, sql=sql))
    workspace: Workspace = beside(file)
    mesh = load(file).mesh
    assert mesh is not None
    key: SigningKey = laptop_keyring(workspace.keys).signing
    (plan,) = expand(mesh, Stack(STACK, (key.public(),), bucket=bucket)).taps
    token = issue(key, issuer(mesh, STACK), SENDER, (TAP,), dt.timedelta(days=1), dt.datetime.now(dt.UTC))
    headers = {"host": "127.0.0.1", "content-type": "application/x-ndjson", "x-bd-authorization": token}
    return Planned(file, workspace, plan, headers)


class OneTap:
    """That mesh with its lake in the folder; `accept` spools as the server does, in this process."""

    def __init__(self, folder: Path, public: bool = False, threshold: str = "200MB", sql: str = ALL) -> None:
        self.file, self.workspace, plan, self._headers = planned(folder, public, threshold, sql=sql)
        self.settings = plan.settings
        store = folder_store(self.workspace.lake)
        store.put(lake.settings_key(TAP, plan.settings_sha256), plan.settings.to_json())
        self.acceptor = Acceptor(plan.settings, store, self.workspace.spool, os.urandom)

    def accept(self, body: bytes) -> None:
        """One request, which must be answered 200."""
        answer = self.acceptor.accept(Request("POST", self._headers, body), dt.datetime.now(dt.UTC))
        assert answer.status == 200, answer.body

    def sealed(self, bodies: list[bytes]) -> str:
        """Accepts all bodies into one batch and seals it; the batch."""
        for body in bodies:
            self.accept(body)
        self.acceptor.seal()
        ((_, batch),) = spool.batches(self.workspace.spool, "sealed")
        return batch
