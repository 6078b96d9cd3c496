"""A tap in temporary folders: post to it, land it, read what it wrote."""

import datetime as dt
import gzip
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb

from tap_runtime import lake
from tap_runtime.accept import Acceptor
from tap_runtime.http import Request
from tap_runtime.lake import Store
from tap_runtime.land import Lander
from tap_runtime.manifest import Manifest
from tap_runtime.room import Room
from tap_runtime.schema import Column, Type
from tap_runtime.settings import TapSettings
from tap_runtime.spool import batches, seal
from tap_runtime.store import folder_store

START = dt.datetime(2026, 7, 1, 12, 0, 0, tzinfo=dt.UTC)


def column(name: str, kind: str, required: bool = False) -> Column:
    """A column of a scalar type that needs no more than its name."""
    return Column(name, Type(kind, kind), required)


def decimal(name: str, precision: int, scale: int) -> Column:
    """A DECIMAL column."""
    return Column(name, Type("DECIMAL", f"DECIMAL({precision},{scale})", precision=precision, scale=scale))


def settings(columns: tuple[Column, ...] = (), sql: str = "select * from events", **more: Any) -> TapSettings:
    """Settings of a public tap, unless `more` says otherwise."""
    values: dict[str, Any] = {"mesh": "acme", "tap": "clicks", "owner": "growth", "issuer": "acme/test", "public": True}
    return TapSettings(**{**values, "sql": sql, "columns": columns, "output": (), **more})


class Answer:
    """A reply with its body parsed."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status, self.headers, self.content = status, headers, json.loads(body)

    @property
    def taken(self) -> tuple[int, int, int]:
        """Status, accepted, refused."""
        return self.status, self.content["accepted"], self.content["quarantined_count"]

    @property
    def error(self) -> tuple[int, str]:
        """Status and code of a refusal."""
        return self.status, self.content["error"]


class LocalTap:
    """One tap, its lake and its spool under `root`. `now` is its clock."""

    def __init__(
        self, root: Path, tap: TapSettings, wrap: Callable[[Store], Store] = lambda store: store, secret: str | None = None
    ) -> None:
        self.root, self.settings, self.now = root, tap, START
        plain = folder_store(root / "lake")
        self.store = wrap(plain)
        plain.put(lake.settings_key(tap.tap, tap.sha256()), tap.to_json())
        self.acceptor = Acceptor(tap, self.store, root / "spool", os.urandom, secret)

    def post(self, body: bytes, method: str = "POST", **headers: str) -> Answer:
        """Sends one request; `content_type="x"` is the header content-type."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        reply = self.acceptor.accept(Request(method, named, body), self.now)
        return Answer(reply.status, reply.headers, reply.body)

    def lander(self, step: Callable[[str], None] = lambda name: None) -> Lander:
        """A fresh lander, as another process would make it."""
        room = Room(self.root / f"room-{os.urandom(4).hex()}")
        return Lander(self.store, self.root / "spool", room, lambda: self.now, os.urandom, step=step)

    def land_all(self, step: Callable[[str], None] = lambda name: None) -> None:
        """What a process does when it starts: seals what it finds, lands every spool and every batch that is marked open."""
        lander, spool = self.lander(step), self.root / "spool"
        for tap, batch in list(batches(spool, "open")):
            seal(spool, tap, batch)
        for tap, batch in list(batches(spool, "sealed")):
            lander.land_spooled(tap, batch)
        for key in [entry.key for entry in self.store.list(lake.OPEN)]:
            lander.land_stored(self.settings.tap, key.rpartition("/")[2])

    def land(self) -> Manifest:
        """Seals and lands the one batch there is; its counts add up."""
        self.acceptor.seal()
        lander, tap = self.lander(), self.settings.tap
        if self.settings.ack == "buffered":
            (batch,) = [batch for _, batch in batches(self.root / "spool", "sealed")]
            manifest = lander.land_spooled(tap, batch)
        else:
            (batch,) = [entry.key.rpartition("/")[2] for entry in self.store.list(lake.OPEN)]
            manifest = lander.land_stored(tap, batch)
        assert manifest is not None
        check_counts(manifest)
        return manifest

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What `sql` finds in the landed Parquet, the table `events_out`."""
        files = sorted(str(path) for path in (self.root / "lake" / self.settings.tap / "data").rglob("*.parquet"))
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone='UTC'")
            connection.execute(f"create view events_out as from read_parquet({files!r})")
            return connection.execute(sql).fetchall()

    def quarantined(self) -> list[dict[str, Any]]:
        """The entries of every quarantine file."""
        files = sorted((self.root / "lake" / "_mesh" / "quarantine").rglob("*.gz"))
        return [json.loads(line) for path in files for line in gzip.decompress(path.read_bytes()).splitlines()]

    def reasons(self) -> list[str]:
        """Why each quarantined entry is there."""
        return [entry["reason"] for entry in self.quarantined()]


MakeTap = Callable[..., LocalTap]


def check_counts(manifest: Manifest) -> None:
    """The accounting every manifest keeps."""
    counts = manifest.counts
    assert counts.received == counts.accepted + counts.refused
    assert counts.accepted == counts.read + counts.quarantined + counts.duplicates
    assert counts.quarantined == sum(manifest.faults.values())
    assert counts.requests == sum(tally.requests for tally in manifest.senders)
    assert counts.accepted == sum(tally.accepted for tally in manifest.senders)
    assert counts.refused == sum(tally.refused for tally in manifest.senders)
