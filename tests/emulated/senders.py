"""Senders: each posts one numbered request after another, each until it is answered, and keeps where it was told its lines are."""

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.emulated.url import Answer

LINES = 3  # good ones; a bad one goes with them
Post = Callable[[bytes, Mapping[str, str]], Answer]


@dataclass
class Sent:
    """A request: the ids of its lines, how often it was sent, and what its 200 said: the batch, and who answered."""

    name: str
    sends: int = 0
    batch: str = ""
    environment: str = ""

    @property
    def good(self) -> list[str]:
        return [f"{self.name}.{line}" for line in range(LINES)]

    @property
    def bad(self) -> str:
        return f"{self.name}.bad"

    @property
    def body(self) -> bytes:
        return "".join([*(f'{{"id":"{name}","n":1}}\n' for name in self.good), f'{{"id":"{self.bad}","n":"bad"}}\n']).encode()

    def send(self, post: Post) -> bool:
        """Whether it is acknowledged now."""
        self.sends += 1
        answer = post(self.body, {"content-type": "application/x-ndjson", "idempotency-key": self.name})
        assert answer.status in (200, 429, 502, 503), answer
        if answer.status != 200:
            return False
        content = answer.json()
        assert (content["accepted"], content["quarantined_count"]) == (LINES, 1), content
        self.batch, self.environment = content["receipt"].rpartition("-")[0], answer.environment
        return True


@dataclass
class Sender(threading.Thread):
    """Sends while `going` is set, until it is told to end; a request that was begun is then still brought to its answer."""

    label: str
    post: Post
    going: threading.Event
    ended: threading.Event
    seed: int
    sent: list[Sent] = field(default_factory=list)
    failure: BaseException | None = None

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self._dice = random.Random(self.seed)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        try:
            while not self.ended.is_set():
                if self.going.wait(0.1):
                    self._bring(Sent(f"{self.label}.{len(self.sent)}"))
                    time.sleep(self._dice.uniform(0.01, 0.1))
        except BaseException as failure:
            self.failure = failure

    def _bring(self, request: Sent) -> None:
        self.sent.append(request)
        while not request.send(self.post):
            time.sleep(self._dice.uniform(0.05, 0.4))
