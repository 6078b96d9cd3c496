"""`Mesh`: a checked `taps.yaml` as frozen values, which plan, grants and the laptop mesh work from."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mesh.kits.rest.source import RestSource
from tap_runtime.schema import Column
from tap_runtime.settings import OutputColumn


@dataclass(frozen=True)
class Mark:
    """Where something stands: a file and its line and column, both counted from 1."""

    file: Path
    line: int
    column: int


@dataclass(frozen=True)
class Person:
    """Somebody who may be granted; `boilingdata` is their user name there, when they may use its tokens."""

    name: str
    email: str
    boilingdata: str | None
    mark: Mark


@dataclass(frozen=True)
class Grant:
    """`to` (a person or team) may write, until the end of that day in UTC; None: for good."""

    to: str
    until: dt.date | None
    mark: Mark


@dataclass(frozen=True)
class ReadGrant:
    """Who may read: a person, team, IAM role ARN or account id, by `kind`."""

    kind: Literal["to", "role", "account"]
    to: str
    mark: Mark


@dataclass(frozen=True)
class Tap:
    """One tap as declared, defaults filled in. Sizes in bytes, times in seconds; `sql` is the statement's text."""

    name: str
    team: str
    about: str | None
    sql: str
    columns: tuple[Column, ...]
    output: tuple[OutputColumn, ...]
    extra: Literal["keep", "drop", "quarantine"]
    threshold_bytes: int
    age_s: int
    freshness_s: int
    ack: Literal["buffered", "stored"]
    retries: Literal["key", "body"]
    write: tuple[Grant, ...]
    read: tuple[ReadGrant, ...]
    public: bool
    closed: bool
    origins: tuple[str, ...]
    memory_mb: int
    concurrency: int | None
    keep_days: int | None
    mark: Mark
    team_mark: Mark
    public_mark: Mark


@dataclass(frozen=True)
class Source:
    """A REST API that the mesh itself reads into a tap."""

    name: str
    into: str
    every_s: int
    rest: RestSource
    mark: Mark


@dataclass(frozen=True)
class Mesh:
    """The whole file. `teams`: their members, each with its place. `files`: all that was read (YAML, SQL), to watch for changes.

    `telemetry`: the tap that Lambda functions send theirs to."""

    name: str
    bucket: str | None
    adopt_bucket: bool
    people: Mapping[str, Person]
    teams: Mapping[str, Mapping[str, Mark]]
    taps: Mapping[str, Tap]
    longest_token_s: int
    boilingdata_owner: str | None
    telemetry: str | None
    sources: Mapping[str, Source]
    files: tuple[Path, ...]
