"""What the edge counts of each tap while it answers: a few additions a request, read only when somebody looks."""

import datetime as dt
import time
from dataclasses import dataclass

import msgspec

from tap_runtime.http import Reply

SECONDS = 60
_RATE_S = 5
_REFUSALS = 12


class _Taken(msgspec.Struct):
    accepted: int


class _Said(msgspec.Struct):
    error: str
    message: str
    hint: str


_taken = msgspec.json.Decoder(_Taken).decode
_said = msgspec.json.Decoder(_Said).decode


@dataclass(frozen=True)
class Refusal:
    """An answer that was not 200, how often it was given, and when last."""

    at: dt.datetime
    status: int
    error: str
    message: str
    hint: str
    times: int = 1


class Counts:
    """One tap's requests and records since the start, those of each of the last SECONDS, and its latest kinds of refusal."""

    def __init__(self) -> None:
        self.requests = self.records = 0
        self._kinds: dict[tuple[str, str], Refusal] = {}
        self._second = [0] * SECONDS  # which second each slot is about; one that comes round again starts from nothing
        self._requests = [0] * SECONDS
        self._records = [0] * SECONDS

    def count(self, answer: Reply, second: int | None = None) -> None:
        """One answered request. `second` is of the monotonic clock, now unless said."""
        if answer.status != 200:
            self._refused(answer)
            return
        records = _taken(answer.body).accepted
        second = int(time.monotonic()) if second is None else second
        slot = second % SECONDS
        if self._second[slot] != second:
            self._second[slot], self._requests[slot], self._records[slot] = second, 0, 0
        self._requests[slot] += 1
        self._records[slot] += records
        self.requests += 1
        self.records += records

    def _refused(self, answer: Reply) -> None:
        said = _said(answer.body)
        key = (said.error, said.message)
        times = self._kinds.pop(key).times if key in self._kinds else 0
        self._kinds[key] = Refusal(dt.datetime.now(dt.UTC), answer.status, said.error, said.message, said.hint, times + 1)
        if len(self._kinds) > _REFUSALS:
            del self._kinds[next(iter(self._kinds))]

    def refusals(self) -> list[Refusal]:
        """The latest kinds of refusal, newest first."""
        return list(self._kinds.values())[::-1]

    def rates(self, second: int) -> "Rates":
        """Requests and records a second over the whole seconds just before `second`."""
        slots = [at % SECONDS for at in range(second - _RATE_S, second) if self._second[at % SECONDS] == at]
        return Rates(sum(self._requests[slot] for slot in slots) / _RATE_S, sum(self._records[slot] for slot in slots) / _RATE_S)

    def records_in(self, seconds: range) -> list[int]:
        """Records of each of these whole seconds, none of them SECONDS ago or longer."""
        return [self._records[at % SECONDS] if self._second[at % SECONDS] == at else 0 for at in seconds]


@dataclass(frozen=True)
class Rates:
    """A second."""

    requests: float
    records: float

    def plus(self, other: "Rates") -> "Rates":
        """Both together."""
        return Rates(self.requests + other.requests, self.records + other.records)


def newest(*several: Counts) -> list[Refusal]:
    """The refusals of several, newest first."""
    return sorted((refusal for counts in several for refusal in counts.refusals()), key=lambda refusal: refusal.at, reverse=True)
