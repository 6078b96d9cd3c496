"""The keys of `taps.yaml`: each with its type, default and meaning. Checks, the JSON Schema and the reference come from here alone."""

import datetime as dt
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from mesh.spec import units
from mesh.spec.keys import Keys, written
from mesh.spec.rest import RestKeys

_TAKEN_BUCKET = re.compile(r"\d+\.\d+\.\d+\.\d+|(xn--|sthree-|amzn-s3-demo-).*|.*(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)")
_EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
NOT_YET = ("outputs", "partition", "layout")


Size = Annotated[int, BeforeValidator(units.batch_size), written("size", "10MB")]
Age = Annotated[int, BeforeValidator(units.age), written("duration", "60s")]
Freshness = Annotated[int, BeforeValidator(units.freshness), written("duration", "5m")]
Every = Annotated[int, BeforeValidator(units.every), written("duration", "15m")]
Lifetime = Annotated[int, BeforeValidator(units.lifetime), written("duration", "30d")]
Memory = Annotated[int, BeforeValidator(units.memory), written("size", "128MB")]
Keep = Annotated[int, BeforeValidator(units.keep), written("days", "400d")]
Day = Annotated[dt.date, BeforeValidator(units.day), written("day", "2027-03-31")]


def _bucket(name: str) -> str:
    if ".." in name or _TAKEN_BUCKET.fullmatch(name):
        raise ValueError("S3 takes no name with two dots in a row, like an IP address, or with a beginning or an end of its own")
    return name


Bucket = Annotated[str, AfterValidator(_bucket)]


class Lake(Keys):
    bucket: Bucket | None = Field(
        None,
        pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        description="The S3 bucket with everything, the stack behind its name: acme-lake-dev; Pulumi config tapmesh:bucket wins as it is",
        examples=["acme-lake"],
    )
    adopt: bool = Field(False, description="Use the bucket of just that name, which exists, instead of making one", examples=[True])


class TokenKeys(Keys):
    longest: Lifetime = Field(
        "30d", validate_default=True, description="How long a token may be good for, 1m to 366d; longer ones are refused"
    )


class BoilingdataKeys(Keys):
    owner: str = Field(
        pattern=_EMAIL, description="The account whose tap master secret signs their tokens, by its address", examples=["lead@acme.example"]
    )


class PersonKeys(Keys):
    email: str = Field(pattern=_EMAIL, description="Their e-mail address", examples=["lead@acme.example"])
    boilingdata: str | None = Field(None, description="Their BoilingData user name, when they may use its tokens", examples=["partner"])


class Thresholds(Keys):
    bytes: Size = Field("10MB", validate_default=True, description="Land once this much was collected, 1B to 200MB")
    age: Age = Field("60s", validate_default=True, description="Land once the oldest record has waited this long, 1s to 24h")


class GrantKeys(Keys):
    to: str = Field(description="A person or team; `partner` alone stands for `{to: partner}`", examples=["partner"])
    until: Day | None = Field(None, description="Last day of the grant, included, in UTC")


class ReadKeys(Keys):
    role: str | None = Field(
        None,
        pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/.+$",
        description="An IAM role",
        examples=["arn:aws:iam::222222222222:role/analyst"],
    )
    account: str | int | None = Field(None, description="An AWS account id of 12 digits", examples=["222222222222"])


class Grants(Keys):
    write: list[str | GrantKeys] = Field(
        [],
        description="Who may send, beside the owning team: people, teams, or {to, until}",
        examples=["[growth, {to: partner, until: 2027-03-31}]"],
    )
    read: list[str | ReadKeys] = Field(
        [],
        description="Who may read the tap's data: people, teams, {role} or {account}",
        examples=["[analyst, {role: arn:aws:iam::222222222222:role/analyst}]"],
    )


class ColumnKeys(Keys):
    type: str = Field(
        description="DuckDB type, NOT NULL behind it if it must be there; `x: INTEGER` stands for `x: {type: INTEGER}`",
        examples=["STRUCT(city VARCHAR, spots DOUBLE[]) NOT NULL"],
    )
    epoch: Literal["s", "ms"] | None = Field(
        None, description="Numbers in a TIMESTAMP column are seconds or milliseconds since 1970", examples=["ms"]
    )
    about: str | None = Field(None, description="What the column means", examples=["Pixels from the left"])


class TapKeys(Keys):
    team: str = Field(description="The owner; its members may write; here or in defaults", examples=["growth"])
    about: str | None = Field(None, description="What the tap takes", examples=["Clicks of the shop"])
    sql: str = Field(
        "select * from events",
        description="One SELECT over the view events, or one word ending in .sql: a file beside this one",
        examples=["sql/growth/clicks.sql"],
    )
    columns: dict[str, str | ColumnKeys] = Field(
        {},
        alias="schema",
        description="What senders must send: name and DuckDB type; none: one column record JSON",
        examples=["{eventType: VARCHAR NOT NULL, x: INTEGER}"],
    )
    extra: Literal["keep", "drop", "quarantine"] = Field(
        "keep", description="Fields not in schema: into the column _extra, away, or the record to quarantine", examples=["drop"]
    )
    thresholds: Thresholds = Field(
        default_factory=Thresholds, description="When a batch lands, whichever comes first", examples=["{bytes: 10MB, age: 60s}"]
    )
    freshness: Freshness | None = Field(
        None, description="Aim: landed this soon even if traffic stops, age + 60s to 7d; 5m or age + 60s by default"
    )
    ack: Literal["buffered", "stored"] = Field(
        "buffered", description="When the sender gets its answer: on the environment's disk, or in the lake", examples=["stored"]
    )
    retries: Literal["key", "body"] = Field(
        "key",
        description="body: a request without Idempotency-Key uses a digest of sender and body; needs ack: stored",
        examples=["body"],
    )
    grants: Grants = Field(
        default_factory=Grants, description="Who else may write or read", examples=["{write: [{to: partner, until: 2027-03-31}]}"]
    )
    public: bool = Field(False, description="No token is asked", examples=[True])
    origins: list[str] = Field(
        [],
        description='Web origins that may post from a browser (CORS); "*" is all of them, on public taps only',
        examples=['["https://shop.acme.example"]'],
    )
    memory: Memory = Field("128MB", validate_default=True, description="Of the function, 128MB to 10240MB")
    concurrency: int | None = Field(
        None, ge=1, le=900, description="Reserved concurrency: the bill's ceiling; 900 for all taps together", examples=[10]
    )
    keep: Keep | None = Field(None, description="Expire data and quarantine after this many days; none: never")
    closed: bool = Field(False, description="No URL any more; what is open still lands", examples=[True])


class TelemetryKeys(Keys):
    into: str = Field(description="The tap that gets the events; docs/kits/lambda-telemetry.md", examples=["clicks"])


class SourceKeys(Keys):
    into: str = Field(description="The tap, which has to be ack: stored", examples=["clicks"])
    every: Every = Field(description="How often it is read, whole minutes from 1m to 24h", examples=["15m"])
    rest: RestKeys = Field(description="The API, as docs/kits/rest.md has it", examples=["{url: https://data.acme.example/requests.json}"])


class Top(Keys):
    version: Literal[1] = Field(description="The language's version", examples=[1])
    mesh: str = Field(pattern=r"^[a-z][a-z0-9-]{0,14}$", description="The mesh's name, at most 15 characters", examples=["acme"])
    lake: Lake = Field(default_factory=Lake, description="Where everything is kept", examples=["{bucket: acme-lake}"])
    people: dict[str, PersonKeys] = Field({}, description="Who may be granted", examples=["{lead: {email: lead@acme.example}}"])
    teams: dict[str, list[str]] = Field({}, description="Groups of people; a team owns taps", examples=["{growth: [lead]}"])
    tokens: TokenKeys = Field(default_factory=TokenKeys, description="Of all tokens", examples=["{longest: 30d}"])
    boilingdata: BoilingdataKeys | None = Field(
        None, description="Whose BoilingData tap tokens are taken, from people with a grant", examples=["{owner: lead@acme.example}"]
    )
    defaults: dict[str, Any] = Field(
        {},
        description="Any tap key but grants, for all taps; maps merge one level, lists replace",
        examples=["{team: growth, memory: 256MB}"],
    )
    telemetry: TelemetryKeys | None = Field(
        None,
        description="Publish the layers by which any Lambda function sends its telemetry to a tap",
        examples=["{into: clicks}"],
    )
    sources: dict[str, SourceKeys] = Field(
        {},
        description="REST APIs that a scheduled function of the mesh's own reads into taps, by name, at most 24 characters",
        examples=["{requests: {into: clicks, every: 15m, rest: {url: https://data.acme.example/requests.json}}}"],
    )
    include: list[str] = Field(
        [],
        description="More files with people, teams and taps; paths as patterns below this file's folder",
        examples=['["teams/*/taps.yaml"]'],
    )
    taps: dict[str, TapKeys] = Field({}, description="The taps by name", examples=["{clicks: {team: growth}}"])
