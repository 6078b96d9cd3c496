"""What a plan consists of. `mesh/deploy` makes one resource of each value; nothing here knows Pulumi, nor AWS beyond its words."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from mesh.plan.access import Policy
from tap_runtime.settings import TapSettings


@dataclass(frozen=True)
class Resource:
    """One of the cloud resources a tap is made of."""

    kind: str
    name: str


@dataclass(frozen=True)
class Role:
    """An IAM role: who takes it on, and the one policy it has. Its name in AWS begins with `name`."""

    name: str
    path: str
    trust: Policy
    policy: Policy


@dataclass(frozen=True)
class Function:
    """A Lambda function, without the zips it runs from. `secrets`: variables only the stack has. `concurrency` None: none reserved."""

    name: str
    about: str
    handler: str
    memory_mb: int
    timeout_s: int
    environment: Mapping[str, str]
    secrets: tuple[str, ...]
    concurrency: int | None
    runtime: str
    architecture: str


@dataclass(frozen=True)
class Url:
    """A function URL without IAM, as senders have tokens of ours. CORS is answered by AWS; no origins: no CORS."""

    origins: tuple[str, ...]
    headers: tuple[str, ...]
    methods: tuple[str, ...]
    max_age_s: int


@dataclass(frozen=True)
class GlueColumn:
    """A column as Athena knows it."""

    name: str
    type: str


@dataclass(frozen=True)
class Table:
    """A Glue table over a tap's data."""

    database: str
    name: str
    about: str | None
    location: str
    columns: tuple[GlueColumn, ...]
    partitions: tuple[GlueColumn, ...]
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class AccessPoint:
    """Through which other roles and accounts read a tap's data. `ddl`: of their Athena table, with <alias> for its alias."""

    name: str
    policy: Policy
    ddl: str


@dataclass(frozen=True)
class TapPlan:
    """One tap. `settings_sha256` names its settings object; `url` None: the tap is closed; `access_point` None: nobody else reads."""

    name: str
    settings: TapSettings
    settings_sha256: str
    settings_key: str
    role: Role
    function: Function
    url: Url | None
    table: Table
    access_point: AccessPoint | None
    resources: tuple[Resource, ...]


@dataclass(frozen=True)
class Expiry:
    """A lifecycle rule: objects below `prefix`, or tagged `keep=<keep>`, go after so many days."""

    name: str
    days: int
    prefix: str | None = None
    keep: str | None = None


@dataclass(frozen=True)
class Lake:
    """The bucket. `policy` lets the taps' access points in, where there are some."""

    bucket: str
    adopted: bool
    expiries: tuple[Expiry, ...]
    abort_uploads_days: int
    policy: Policy | None


@dataclass(frozen=True)
class Scheduled:
    """A function that a schedule calls, and the role it is called by: the steward, and each source's."""

    function: Function
    role: Role
    schedule: str
    schedule_name: str
    schedule_role: Role


@dataclass(frozen=True)
class SourcePlan:
    """An API that is read into the tap `into`; `parameter` has the bookmark, and stays when the source goes."""

    name: str
    into: str
    parameter: str
    scheduled: Scheduled


@dataclass(frozen=True)
class Metric:
    """What CloudWatch adds up over a period."""

    name: str
    stat: str
    namespace: str
    dimensions: Mapping[str, str]


@dataclass(frozen=True)
class Alarm:
    """Rings when `expression` over `metrics` (or the one metric) compares so to the threshold, `periods` times in a row."""

    name: str
    about: str
    metrics: Mapping[str, Metric]
    expression: str | None
    comparison: str
    threshold: float
    period_s: int
    periods: int
    missing: str


@dataclass(frozen=True)
class MeshPlan:
    """A whole mesh in one stack. `dashboard` is CloudWatch's body as JSON; `telemetry`: the tap functions send theirs to; `notes` say
    what people should know of it."""

    mesh: str
    stack: str
    name: str
    lake: Lake
    log_group: str
    log_days: int
    database: str
    workgroup: str
    query_results: str
    steward: Scheduled
    alarms: tuple[Alarm, ...]
    dashboard: str
    taps: tuple[TapPlan, ...]
    sources: tuple[SourcePlan, ...]
    telemetry: str | None
    notes: tuple[str, ...]

    def json(self) -> str:
        """All of it with sorted keys: the same plan gives the same text."""
        return msgspec.json.format(msgspec.json.encode(self, order="sorted")).decode()
