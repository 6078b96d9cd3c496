"""The keys of `taps.yaml`: each with its type, default and meaning. Checks, the JSON Schema and the reference come from here alone."""

import datetime as dt
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

_SIZE = re.compile(r"(\d{1,12})\s*(B|kB|KB|MB|GB|KiB|MiB|GiB)", re.ASCII)
_SIZES = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_DURATION = re.compile(r"(\d{1,7})\s*(s|m|h|d)", re.ASCII)
_DURATIONS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
NOT_YET = ("outputs", "partition", "sources", "telemetry", "layout")


def _size(value: Any) -> int:
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("expected a size with its unit, like 10MB or 10MiB")
    return int(match[1]) * _SIZES[match[2]]


def _duration(value: Any) -> int:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None or not int(match[1]):
        raise ValueError("expected a duration above 0 with its unit, like 60s, 5m, 24h or 400d")
    return int(match[1]) * _DURATIONS[match[2]]


def _memory(value: Any) -> int:
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    size = int(match[1]) * _SIZES[match[2]] if match else 0
    memory_mb, rest = divmod(size, 2**20 if match and "i" in match[2] else 10**6)
    if rest or not 128 <= memory_mb <= 10240:
        raise ValueError("expected 128MB to 10240MB")
    return memory_mb


def _keep(value: Any) -> int:
    seconds = _duration(value)
    if seconds % 86400:
        raise ValueError("expected whole days, like 400d")
    return seconds // 86400


def _day(value: Any) -> dt.date:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError("expected a day, like 2027-03-31")


def _text_schema(example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "examples": [example]})


Size = Annotated[int, BeforeValidator(_size), _text_schema("10MB")]
Duration = Annotated[int, BeforeValidator(_duration), _text_schema("60s")]
Memory = Annotated[int, BeforeValidator(_memory), _text_schema("128MB")]
Keep = Annotated[int, BeforeValidator(_keep), _text_schema("400d")]
Day = Annotated[dt.date, BeforeValidator(_day), _text_schema("2027-03-31")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,29}$")]


class Keys(BaseModel):
    """A map of the file: unknown keys are problems, nothing is converted on the quiet."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Lake(Keys):
    bucket: str | None = Field(
        None, pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", description="The S3 bucket with everything; Pulumi config tapmesh:bucket wins"
    )
    adopt: bool = Field(False, description="Use a bucket that exists instead of making one")


class PersonKeys(Keys):
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", description="Their e-mail address")
    boilingdata: str | None = Field(None, description="Their BoilingData user name, when they may use its tokens")


class Thresholds(Keys):
    bytes: Size = Field(10_000_000, description="Land once this much was collected")
    age: Duration = Field(60, description="Land once the oldest record has waited this long")


class GrantKeys(Keys):
    to: str = Field(description="A person or team")
    until: Day | None = Field(None, description="Last day of the grant, included, in UTC")


class ReadKeys(Keys):
    role: str | None = Field(None, pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/.+$", description="An IAM role")
    account: str | int | None = Field(None, description="An AWS account id of 12 digits")


class Grants(Keys):
    write: list[str | GrantKeys] = Field([], description="Who may send, beside the owning team: people, teams, or {to, until}")
    read: list[str | ReadKeys] = Field([], description="Who may read the tap's data: people, teams, {role} or {account}")


class ColumnKeys(Keys):
    type: str = Field(description="DuckDB type, NOT NULL behind it if it must be there")
    epoch: Literal["s", "ms"] | None = Field(None, description="Numbers in a TIMESTAMP column are seconds or milliseconds since 1970")
    about: str | None = Field(None, description="What the column means")


class TapKeys(Keys):
    team: str = Field(description="The owner; its members may write")
    about: str | None = Field(None, description="What the tap takes")
    sql: str = Field(
        "select * from events", description="One SELECT over the view events, or one word ending in .sql: a file beside this one"
    )
    columns: dict[str, str | ColumnKeys] = Field(
        {}, alias="schema", description="What senders must send: name and DuckDB type; none: one column record JSON"
    )
    extra: Literal["keep", "drop", "quarantine"] = Field(
        "keep", description="Fields not in schema: into the column _extra, away, or the record to quarantine"
    )
    thresholds: Thresholds = Field(Thresholds(), description="When a batch lands, whichever comes first")
    freshness: Duration | None = Field(None, description="Aim: landed this soon even if traffic stops; 5m or age + 60s by default")
    ack: Literal["buffered", "stored"] = Field(
        "buffered", description="When the sender gets its answer: on the environment's disk, or in the lake"
    )
    retries: Literal["key", "body"] = Field(
        "key", description="body: a request without Idempotency-Key uses a digest of sender and body; needs ack: stored"
    )
    grants: Grants = Field(Grants(), description="Who else may write or read")
    public: bool = Field(False, description="No token is asked")
    origins: list[str] = Field([], description="Web origins that may post from a browser (CORS)")
    memory: Memory = Field(128, description="Of the function, 128MB to 10240MB")
    concurrency: int | None = Field(None, ge=1, le=900, description="Reserved concurrency: the bill's ceiling")
    keep: Keep | None = Field(None, description="Expire data and quarantine after this many days")
    closed: bool = Field(False, description="No URL any more; what is open still lands")


class Top(Keys):
    version: Literal[1] = Field(description="The language's version")
    mesh: str = Field(pattern=r"^[a-z][a-z0-9-]{0,14}$", description="The mesh's name, at most 15 characters")
    lake: Lake = Field(Lake(), description="Where everything is kept")
    people: dict[str, PersonKeys] = Field({}, description="Who may be granted")
    teams: dict[str, list[str]] = Field({}, description="Groups of people; a team owns taps")
    defaults: dict[str, Any] = Field({}, description="Any tap key but grants and team, for all taps; maps merge one level, lists replace")
    include: list[str] = Field([], description="More files with people, teams and taps; paths as patterns")
    taps: dict[str, TapKeys] = Field({}, description="The taps by name")
