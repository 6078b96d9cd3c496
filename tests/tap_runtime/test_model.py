"""The real accept and land code, taking turns at every call to the lake with crashes and lost replies: 0 lost, 0 doubled."""

import gzip
import hashlib
import random
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as runs
from hypothesis import strategies as st

from tap_runtime import lake
from tap_runtime.accept import Acceptor
from tap_runtime.errors import LakeDown
from tap_runtime.http import Request
from tap_runtime.intake import Receipt, Sent
from tap_runtime.lake import Store
from tap_runtime.land import Lander
from tap_runtime.manifest import read_manifest
from tap_runtime.render import Rendered, Work
from tap_runtime.room import Room
from tap_runtime.segment import KeyOwner, read_owner
from tap_runtime.stored import Stored
from tests.tap_runtime.local_tap import check_counts, settings
from tests.tap_runtime.model import NOW, Actor, MemoryStore, TurnStore, play

TAP = settings(ack="stored")
Answers = dict[str, set[str]]


class World:
    """One run: two owners that are sent the same keyed requests and some of their own, three landers, one lake."""

    def __init__(self, folder: Path, store: MemoryStore, stored: type[Stored] = Stored) -> None:
        self.folder, self.store, self.stored = folder, store, stored
        self.random = random.Random(0).randbytes
        self.answers: Answers = {}
        store.put(lake.settings_key(TAP.tap, TAP.sha256()), TAP.to_json())

    def owner(self, name: str) -> Callable[[], None]:
        """An environment that takes five requests, each at most three times, and seals after the second."""
        store = TurnStore(self.store)
        acceptor = Acceptor(TAP, store, self.folder, self.random)
        acceptor._intake = self.stored(TAP, store, self.random)

        def main() -> None:
            for number, (record, key) in enumerate([("k1", "k1"), (f"{name}1", None), ("k2", "k2"), (f"{name}2", name), ("k1", "k1")]):
                for _ in range(3 if key else 1):
                    reply = acceptor.accept(Request("POST", {}, b'{"id":"%b"}' % record.encode(), key), NOW)
                    if reply.status == 200:
                        self.answers.setdefault(record, set()).add(msgspec.json.decode(reply.body)["receipt"])
                        break
                if number == 1:
                    self.seal(acceptor)

        return main

    def seal(self, acceptor: Acceptor) -> None:
        """As the edge does it: a lake that is down leaves the batch to whoever finds its marker."""
        try:
            acceptor.seal()
        except LakeDown:
            return

    def lander(self, store: Store, rounds: int = 3) -> Callable[[], None]:
        """Lands whatever is marked open, several times over."""
        room = Room(self.folder / self.random(8).hex())
        lander = Lander(store, self.folder, room, lambda: NOW, self.random, self.render)

        def main() -> None:
            for _ in range(rounds):
                try:
                    for entry in list(store.list(lake.OPEN)):
                        lander.land_stored(TAP.tap, entry.key.rpartition("/")[2])
                except LakeDown:
                    continue

        return main

    def render(self, work: Work, room: Room) -> Rendered:
        """The lines as they are, and something that differs from try to try, as SQL that asks for the time has."""
        lines = work.data.read_bytes().splitlines()
        (room.out / "part").write_bytes(b"\n".join([*lines, b'{"try":"%b"}' % self.random(4).hex().encode()]))
        return Rendered(room.out / "part", len(lines), None, {})

    def run(self, schedule: bytes) -> None:
        """Plays it out, recovers and audits."""
        actors = [self.owner("p"), self.owner("q"), *(self.lander(TurnStore(self.store)) for _ in range(3))]
        play([Actor(main) for main in actors], schedule)
        self.lander(self.store)()
        audit(self.store, self.answers)


def records(kind: str, body: bytes) -> list[tuple[str, int]]:
    """Each record's id and request; a batch whose landers died too often is in quarantine."""
    if kind == "quarantine":
        entries = [msgspec.json.decode(line) for line in gzip.decompress(body).splitlines()]
        return [(msgspec.json.decode(entry["record"])["id"], entry["request"]) for entry in entries]
    lines = [msgspec.json.decode(line) for line in body.splitlines()]
    return [(line["d"]["id"], line["r"]) for line in lines[:-1]]


def audit(store: MemoryStore, answers: Answers) -> None:
    """What was answered 200 is there once, where its receipt says; anything else at most once; nothing is left over."""
    found: list[tuple[str, str]] = []
    published = set()
    for key in [key for key in store.objects if key.startswith("_mesh/landed/")]:
        manifest = read_manifest(store.objects[key])
        check_counts(manifest)
        for file in manifest.files:
            assert file.key in store.objects, "lost: a file its manifest names"
            assert hashlib.sha256(store.objects[file.key]).hexdigest() == file.sha256, "lost: the manifest speaks of another file"
            published.add(file.key)
            found += [(record, f"{manifest.batch}-{request}") for record, request in records(file.kind, store.objects[file.key])]
    times = Counter(record for record, _ in found)
    assert [record for record, count in times.items() if count > 1] == [], "doubled"
    assert {record for record in answers if not times[record]} == set(), "lost"
    for record, receipts in answers.items():
        assert receipts == {receipt for name, receipt in found if name == record}, "lost: a receipt that names another place"
    landed = {key.rpartition("/")[2].removesuffix(".json") for key in store.objects if key.startswith("_mesh/landed/")}
    left = [
        key for key in store.objects if key.startswith("_mesh/open/")
    ]  # a loser that dies after the winner swept leaves its own staged file
    left += [key for key in store.objects if key.startswith("_mesh/staged/") and key.split("/")[3] not in landed]
    left += [key for key, body in store.objects.items() if "/stored/" in key and "/try-" not in key and b'"kind":"seal"' not in body]
    assert left == [], "left over"
    assert {key for key in store.objects if "/data/" in key or "/quarantine/" in key} == published, "doubled: a file no manifest names"


@runs(max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(schedule=st.binary(min_size=0, max_size=300))
def test_no_order_of_calls_loses_or_doubles(schedule: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        World(Path(folder), MemoryStore()).run(schedule)


@pytest.mark.parametrize("faults", [0, 5, 20])
def test_no_long_order_of_calls_loses_or_doubles(tmp_path: Path, faults: int) -> None:
    for seed in range(60):
        World(tmp_path, MemoryStore()).run(drawn(seed, faults))


def drawn(seed: int, faults: int) -> bytes:
    """300 turns with so many faults among them."""
    generator = random.Random(seed)
    turns = [generator.randrange(12 << 4) for _ in range(300)]
    for place in generator.sample(range(300), faults):
        turns[place] |= 0xC0
    return bytes(turns)


class Overwriting(MemoryStore):
    """A landing that does not commit: the manifest is written over."""

    def put_new(self, key: str, body: bytes, keep_days: int | None = None) -> bool:
        if key.startswith("_mesh/landed/"):
            self.objects[key] = body
            return True
        return super().put_new(key, body, keep_days)


class Unfenced(MemoryStore):
    """A SEAL that does not fence: segments are written over it."""

    def put_new(self, key: str, body: bytes, keep_days: int | None = None) -> bool:
        if b'"kind":"seal"' in self.objects.get(key, b""):
            self.objects[key] = body
            return True
        return super().put_new(key, body, keep_days)


class KeyFirst(Stored):
    """The key before the segment it names."""

    def keep(self, sent: Sent) -> Receipt:
        batch = self._batch or self._open(sent.now)
        if sent.key is None:
            return super().keep(sent)
        name = lake.idempotency_key(TAP.tap, sent.sender, sent.key, sent.body.hex())
        other = lake.create(self._store, name, msgspec.json.encode(KeyOwner(batch, self._seq, "")))
        if other is not None:
            owner = read_owner(other)
            return Receipt(owner.batch, owner.seq, duplicate=True)
        return self._put_segment(sent, None, "")


@pytest.mark.parametrize(
    ("store", "stored"), [(Overwriting, Stored), (Unfenced, Stored), (MemoryStore, KeyFirst)], ids=["no commit", "no fence", "key first"]
)
def test_the_same_audit_catches_a_broken_protocol(tmp_path: Path, store: type[MemoryStore], stored: type[Stored]) -> None:
    with pytest.raises(AssertionError, match="lost|doubled|left over"):
        for seed in range(500):
            World(tmp_path, store(), stored).run(drawn(seed, 5))
