"""kill -9 of server and lander at random moments: nothing acknowledged is lost or doubled, nothing is left behind."""

import os
import random
import signal
import threading
import time
from collections import Counter

import urllib3

from tests.local.conftest import RunningMesh

ROUNDS = int(os.environ.get("TAPMESH_KILL_ROUNDS", "20"))


class Sender(threading.Thread):
    """Posts one numbered request after another and keeps which of them were acknowledged."""

    def __init__(self, mesh: RunningMesh, tap: str) -> None:
        super().__init__(daemon=True)
        self.mesh, self.tap = mesh, tap
        self.acknowledged: set[str] = set()
        self.sent = 0
        self.ending = False

    def run(self) -> None:
        while not self.ending:
            self.sent += 1
            ids = [f"{self.tap}-{self.sent}-{line}" for line in range(3)]
            body = "".join(f'{{"id":"{name}","n":1}}\n' for name in ids) + "bad\n"
            try:
                status, _ = self.mesh.post(self.tap, body.encode())
            except (urllib3.exceptions.HTTPError, ValueError):
                time.sleep(0.05)
                continue
            if status == 200:
                self.acknowledged.update(ids)


def test_kill_9_at_random_moments_loses_and_doubles_nothing(mesh: RunningMesh) -> None:
    dice = random.Random(20261123)
    senders = [Sender(mesh, tap) for tap in ("buffered", "stored")]
    mesh.start()
    for sender in senders:
        sender.start()
    for _ in range(ROUNDS):
        time.sleep(dice.uniform(0.05, 1.0))
        if dice.random() < 0.5 and (lander := mesh.lander()):
            os.kill(lander, signal.SIGKILL)
            mesh.wait_for(lambda: mesh.lander() > 0, "a new lander")
        else:
            mesh.stop(signal.SIGKILL)
            mesh.start()
    for sender in senders:
        sender.ending = True
        sender.join()
    mesh.stop()
    for sender in senders:
        landed = Counter(row["id"] for row in mesh.query(f"select id from {sender.tap}"))
        assert sender.acknowledged
        assert sender.acknowledged - set(landed) == set()
        assert [name for name, count in landed.items() if count > 1] == []
    for counts in mesh.query("select * from _manifests"):
        assert counts["received"] == counts["accepted"] + counts["refused"]
        assert counts["accepted"] == counts["read"] + counts["quarantined"] + counts["duplicates"]
    quarantined = mesh.query("select count(*) as n from _quarantine")[0]["n"]
    assert quarantined == sum(row["refused"] + row["quarantined"] for row in mesh.query("select refused, quarantined from _manifests"))
    assert mesh.leftovers() == []
