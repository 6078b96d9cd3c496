"""What one tap runs by: written by the plan as an object named by its digest, read here and nowhere else."""

import hashlib
import os
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from tap_runtime import FORMAT
from tap_runtime.format import read_back
from tap_runtime.schema import Column

BOILINGDATA_SECRET = "TAPMESH_BOILINGDATA_SECRET"
ROOM = Path("/tmp/tapmesh")  # what one Lambda environment keeps on its disk
SOCKET, SPOOL = ROOM / "lander.sock", ROOM / "spool"


class Writer(Struct, frozen=True):
    """A person who may write, until the end of that UTC day (ISO date) or for good."""

    person: str
    until: str | None = None


class VerifyKey(Struct, frozen=True):
    """An Ed25519 public key mesh tokens are checked with; `public` is its 32 bytes in base64url."""

    kid: str
    public: str


class Boilingdata(Struct, frozen=True, kw_only=True):
    """Whose BoilingData tap tokens are taken: people with a grant by user name and by e-mail address; `owners`: how tokens name the owner.

    E-mail addresses and owners in lower case. The secret they are signed with is no setting.
    """

    owners: tuple[str, ...]
    users: dict[str, str]
    emails: dict[str, str]


class Limits(Struct, frozen=True):
    """What one request may be. Bytes and lines past these are answered 413; a longer line is quarantined."""

    body_bytes: int = 6 * 1024 * 1024
    unpacked_bytes: int = 8 * 1024 * 1024
    lines: int = 100_000
    line_bytes: int = 1024 * 1024
    reasons: int = 100
    spool_bytes: int = 256 * 1024 * 1024


class OutputColumn(Struct, frozen=True):
    """A column of the tap's Parquet files: `cast` is what the statement yields is cast to, where it must be."""

    name: str
    type: str
    cast: bool = False


class TapSettings(Struct, frozen=True, kw_only=True):
    """One tap as it runs. Sizes in bytes, times in seconds. `columns` empty: no schema, one column `record JSON`."""

    format: int = FORMAT
    mesh: str
    tap: str
    owner: str
    issuer: str
    sql: str
    columns: tuple[Column, ...]
    output: tuple[OutputColumn, ...]
    extra: Literal["keep", "drop", "quarantine"] = "keep"
    threshold_bytes: int = 10_000_000
    age_s: int = 60
    freshness_s: int = 300
    ack: Literal["buffered", "stored"] = "buffered"
    retries: Literal["key", "body"] = "key"
    public: bool = False
    closed: bool = False
    origins: tuple[str, ...] = ()
    memory_mb: int = 128
    concurrency: int | None = None
    keep_days: int | None = None
    writers: tuple[Writer, ...] = ()
    keys: tuple[VerifyKey, ...] = ()
    longest_token_s: int = 30 * 86_400
    boilingdata: Boilingdata | None = None
    limits: Limits = Limits()

    def to_json(self) -> bytes:
        """The object's bytes: the same settings give the same bytes, hence the same name."""
        return msgspec.json.encode(self, order="deterministic")

    def sha256(self) -> str:
        """The name of the settings object, and how batches refer to it."""
        return hashlib.sha256(self.to_json()).hexdigest()


def read_settings(body: bytes) -> TapSettings:
    """Settings from their object's bytes; raises NewerFormat or Broken."""
    return read_back(body, TapSettings, "the settings object")


def environment(name: str) -> str | None:
    """One environment variable: the only place besides the CLI's options where they are read."""
    return os.environ.get(name)


def forget(name: str) -> None:
    """Takes a secret out of this process's environment, and so of those it starts."""
    os.environ.pop(name, None)
