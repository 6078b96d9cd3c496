"""What the runtime asks of S3, recorded call by call, and what IAM would say to it."""

import datetime as dt
import fnmatch
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mesh.plan.access import Policy, Statement
from tap_runtime import lake
from tap_runtime.lake import Entry, Store
from tap_runtime.spool import seal
from tests.tap_runtime.environment import Environment, event

ARN = "arn:aws:s3:::acme-lake-dev"
Call = tuple[str, str]
"""An action and its key, or the prefix of a list."""


class Recording:
    """A store that notes what S3 would ask the role's policy for each call."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.calls: set[Call] = set()

    def _put(self, key: str, keep_days: int | None) -> None:
        self.calls |= {("s3:PutObject", key)} | ({("s3:PutObjectTagging", key)} if keep_days is not None else set())

    def get(self, key: str) -> bytes | None:
        found = self._store.get(key)
        self.calls.add(("s3:GetObject", key))
        if found is None:  # 404 instead of 403 is for who may list with the key as prefix
            self.calls.add(("s3:ListBucket", key))
        return found

    def put(self, key: str, body: bytes | Path, keep_days: int | None = None) -> None:
        self._put(key, keep_days)
        self._store.put(key, body, keep_days)

    def put_new(self, key: str, body: bytes, keep_days: int | None = None) -> bool:
        self._put(key, keep_days)
        return self._store.put_new(key, body, keep_days)

    def copy(self, source: str, target: str) -> bool:
        self.calls |= {("s3:GetObject", source), ("s3:GetObjectTagging", source)}
        self._put(target, keep_days=1)
        if not (found := self._store.copy(source, target)):
            self.calls.add(("s3:ListBucket", source))
        return found

    def delete(self, keys: list[str]) -> None:
        self.calls |= {("s3:DeleteObject", key) for key in keys}
        self._store.delete(keys)

    def list(self, prefix: str) -> Iterator[Entry]:
        self.calls.add(("s3:ListBucket", prefix))
        return self._store.list(prefix)


def allows(policy: Policy, action: str, key: str) -> bool:
    """Whether IAM would: for a list `key` is its prefix."""
    return any(_allows(statement, action, key) for statement in policy.statements)


def _allows(statement: Statement, action: str, key: str) -> bool:
    if action not in statement.actions:
        return False
    if action == "s3:ListBucket":
        prefixes = statement.conditions["StringLike"]["s3:prefix"]
        return statement.resources == (ARN,) and any(fnmatch.fnmatchcase(key, prefix) for prefix in prefixes)
    return any(fnmatch.fnmatchcase(f"{ARN}/{key}", resource) for resource in statement.resources)


class Recorded(Environment):
    """A tap's environment on Lambda whose store is recorded; `plain` is not."""

    def faulty(self, store: Store) -> Store:
        self.plain, self.recording = store, Recording(super().faulty(store))
        return self.recording

    def open_batch(self) -> str:
        """The one that is marked open."""
        (entry,) = self.plain.list(lake.OPEN)
        return entry.key.rpartition("/")[2]

    def live(self) -> set[Call]:
        """What a long life calls: good and bad lines, a key twice, landings cut short, a marker's new bound, SHUTDOWN and its batch."""
        for body in ('{"id":"a"}\n{"id":1}', '{"id":"a"}\n{"id":1}', '{"id":"b"}\n' * 20_000):
            self.invoke(event(body, {"idempotency-key": body[:30]}))
        for step in ("staged", "committed"):
            with pytest.raises(_Stopped, match=step):
                self._land(_stop_at(step))
        self._land(lambda step: None)
        self.tap.now += dt.timedelta(seconds=61)
        self.invoke(event('{"id":"c"}'))
        self.invoke(event('{"id":"d"}'))
        batch = self.open_batch()
        self.lander.save()
        self.invoke({"tapmesh": "land", "batch": batch})
        self.recording.get(lake.settings_key("clicks", self.tap.settings.sha256()))  # as the handler does when it starts
        return self.recording.calls

    def _land(self, step: Callable[[str], None]) -> None:
        batch, lander = self.open_batch(), self.tap.lander(step)
        if self.tap.settings.ack == "stored":
            lander.land_stored("clicks", batch)
        else:
            seal(lander.spool, "clicks", batch)
            lander.land_spooled("clicks", batch)


class _Stopped(Exception):
    """The process ends here."""


def _stop_at(step: str) -> Callable[[str], None]:
    def stop(name: str) -> None:
        if name == step:
            raise _Stopped(step)

    return stop
