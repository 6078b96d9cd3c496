"""A checked mesh and a stack -> its plan. Pure: no cloud, no file, no clock, so the same file always gives the same plan."""

from collections.abc import Sequence

from mesh.grants.writers import boilingdata, writers
from mesh.plan import cors
from mesh.plan.ddl import table_ddl
from mesh.plan.model import AccessPoint, Expiry, Function, Lake, MeshPlan, Resource, Role, Scheduled, Table, TapPlan, Url
from mesh.plan.names import Names, Stack, bucket_name, issuer
from mesh.plan.policies import bucket_policy, reader_policy, steward_policy, tap_policy, trust
from mesh.plan.schedules import RUNTIME, scheduled, source_plan
from mesh.plan.tables import table
from mesh.plan.watch import alarms, dashboard
from mesh.spec.mesh import Mesh, ReadGrant, Tap
from tap_runtime import lake
from tap_runtime.settings import BOILINGDATA_SECRET, Limits, TapSettings

_UNPACKED_AT_128_MB = 8 * 1024 * 1024
_TIMEOUT_S = 30  # an environment takes no request while it lands
_LOG_DAYS = 30
_KEY_DAYS = 7  # how long a retry with an Idempotency-Key is known
_RESULTS = "_mesh/athena/"
_RESULT_DAYS = 7


def expand(mesh: Mesh, stack: Stack) -> MeshPlan:
    """Everything the mesh consists of in this stack, taps in the order of the file."""
    names = Names(mesh.name, stack, bucket_name(mesh, stack))
    steward = _steward(names)
    planned = [_tap(mesh, tap, names) for tap in mesh.taps.values()]
    taps = tuple(plan for plan, _ in planned)
    return MeshPlan(
        mesh=mesh.name,
        stack=stack.name,
        name=names.whole,
        lake=Lake(
            bucket=names.bucket,
            adopted=mesh.adopt_bucket,
            expiries=_expiries(mesh),
            abort_uploads_days=1,
            policy=bucket_policy(names) if any(tap.access_point for tap in taps) else None,
        ),
        log_group=names.log_group,
        log_days=_LOG_DAYS,
        database=names.database,
        workgroup=names.whole,
        query_results=f"s3://{names.bucket}/{_RESULTS}",
        steward=steward,
        alarms=alarms(names, steward.function.name, [*mesh.sources]),
        dashboard=dashboard(names),
        taps=taps,
        sources=tuple(source_plan(source, names) for source in mesh.sources.values()),
        telemetry=mesh.telemetry,
        notes=(*_adopted(mesh), *(note for _, notes in planned for note in notes)),
    )


def _tap(mesh: Mesh, tap: Tap, names: Names) -> tuple[TapPlan, tuple[str, ...]]:
    settings = _settings(mesh, tap, names.stack)
    sha256 = settings.sha256()
    name, key = f"{names.prefix}{tap.name}", lake.settings_key(tap.name, sha256)
    glue, left_out = table(names, tap)
    outside = [reader for reader in tap.read if reader.kind != "to"]
    point = _access_point(names, tap.name, outside, glue) if outside else None
    url = None if tap.closed else Url(tap.origins, cors.HEADERS, cors.METHODS, cors.MAX_AGE_S)
    plan = TapPlan(
        name=tap.name,
        settings=settings,
        settings_sha256=sha256,
        settings_key=key,
        role=Role(tap.name, names.role_path, trust("lambda"), tap_policy(names, tap.name)),
        function=Function(
            name=name,
            about=f"Tap {tap.name} of {names.whole}, owned by team {tap.team}",
            handler="tap_runtime.function.handler",
            memory_mb=tap.memory_mb,
            timeout_s=_TIMEOUT_S,
            environment={"TAPMESH_LAKE": f"s3://{names.bucket}", "TAPMESH_SETTINGS": key},
            secrets=() if settings.boilingdata is None else (BOILINGDATA_SECRET,),
            concurrency=tap.concurrency,
            runtime=RUNTIME,
            architecture=names.stack.architecture,
        ),
        url=url,
        table=glue,
        access_point=point,
        resources=_resources(name, key, names, tap, point),
    )
    return plan, _notes(tap, left_out)


def _access_point(names: Names, tap: str, readers: Sequence[ReadGrant], glue: Table) -> AccessPoint:
    return AccessPoint(names.access_point(tap), reader_policy(names, tap, readers), table_ddl(glue, names.bucket))


def _resources(name: str, settings_key: str, names: Names, tap: Tap, point: AccessPoint | None) -> tuple[Resource, ...]:
    """What `pulumi up` makes of a tap beside its component."""
    found = [
        Resource("role", f"{names.role_path}{tap.name}"),
        Resource("policy", f"{names.role_path}{tap.name}"),
        Resource("settings", settings_key),
        Resource("function", name),
    ]
    found += [] if tap.closed else [Resource("url", name)]
    found += [Resource("table", f"{names.database}.{tap.name}")]
    return (*found, *([Resource("access point", point.name)] if point is not None else []))


def _settings(mesh: Mesh, tap: Tap, stack: Stack) -> TapSettings:
    return TapSettings(
        mesh=mesh.name,
        tap=tap.name,
        owner=tap.team,
        issuer=issuer(mesh, stack.name),
        sql=tap.sql,
        columns=tap.columns,
        output=tap.output,
        extra=tap.extra,
        threshold_bytes=tap.threshold_bytes,
        age_s=tap.age_s,
        freshness_s=tap.freshness_s,
        ack=tap.ack,
        retries=tap.retries,
        public=tap.public,
        closed=tap.closed,
        origins=tap.origins,
        memory_mb=tap.memory_mb,
        concurrency=tap.concurrency,
        keep_days=tap.keep_days,
        writers=writers(mesh, tap),
        keys=stack.keys,
        longest_token_s=mesh.longest_token_s,
        boilingdata=boilingdata(mesh, tap),
        limits=Limits(unpacked_bytes=_UNPACKED_AT_128_MB * tap.memory_mb // 128),
    )


def _notes(tap: Tap, left_out: tuple[str, ...]) -> tuple[str, ...]:
    unread = "Athena cannot name it or a field in it, so the table is without; the files have it"
    notes = [f"{tap.name}: column {column}: {unread}" for column in left_out]
    people = [reader.to for reader in tap.read if reader.kind == "to"]
    if people:
        notes.append(f"{tap.name}: {', '.join(people)} may read, but AWS knows roles and accounts only; grant those too")
    if tap.closed:
        notes.append(f"{tap.name}: closed; once tapmesh status shows nothing open, delete its block: its data stays")
    return tuple(notes)


def _adopted(mesh: Mesh) -> tuple[str, ...]:
    """A bucket has one set of rules, so what others have set on theirs would be lost."""
    what = "the bucket is adopted as it is: set the expiry of keep, and a policy for readers, on it yourself"
    return (what,) if mesh.adopt_bucket else ()


def _steward(names: Names) -> Scheduled:
    function = Function(
        name=names.own("steward"),
        about=f"Steward of {names.whole}: wakes who should land, reports what is lost",
        handler="tap_runtime.steward.handler",
        memory_mb=128,
        timeout_s=50,
        environment={"TAPMESH_LAKE": f"s3://{names.bucket}", "TAPMESH_PREFIX": names.prefix},
        secrets=(),
        concurrency=None,
        runtime=RUNTIME,
        architecture=names.stack.architecture,
    )
    role = Role("steward", names.role_path, trust("lambda"), steward_policy(names))
    return scheduled(names, function, role, 60, "schedule", names.own("schedule"))


def _expiries(mesh: Mesh) -> tuple[Expiry, ...]:
    """A rule a distinct `keep`, SEALs among them; nothing that has not landed ever expires."""
    kept = sorted({lake.SEAL_DAYS, *(tap.keep_days for tap in mesh.taps.values() if tap.keep_days is not None)})
    return (
        Expiry("keys", _KEY_DAYS, prefix="_mesh/keys/"),
        Expiry("query-results", _RESULT_DAYS, prefix=_RESULTS),
        *(Expiry(f"keep-{days}", days, keep=str(days)) for days in kept),
    )
