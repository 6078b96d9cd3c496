"""What a schedule calls: any function with the role it is called by, and the functions of the declared sources."""

import msgspec

from mesh.kits.rest.source import Scheduled as Settings
from mesh.plan.model import Function, Role, Scheduled, SourcePlan
from mesh.plan.names import Names
from mesh.plan.policies import schedule_policy, source_policy, trust
from mesh.spec.mesh import Source

RUNTIME = "python3.13"
_MEMORY_MB = 512  # a first reading of a million records holds 40 MB of digests three times over
_LONGEST_S = 900  # Lambda's limit; it ends by itself before


def scheduled(names: Names, function: Function, role: Role, every_s: int, called_by: str, schedule: str) -> Scheduled:
    """The function called so often, whole minutes, by a schedule and a role of these names."""
    minutes = every_s // 60
    caller = Role(called_by, names.role_path, trust("scheduler", names.stack.account), schedule_policy(names, function.name))
    return Scheduled(function, role, f"rate({minutes} minute{'s' if minutes > 1 else ''})", schedule, caller)


def source_plan(source: Source, names: Names) -> SourcePlan:
    """One run at a time, as reserved concurrency lets no second one begin."""
    own, parameter = names.own(f"source_{source.name}"), names.parameter(source.name)
    settings = Settings(
        name=source.name, into=f"{names.prefix}{source.into}", parameter=parameter, lake=f"s3://{names.bucket}", rest=source.rest
    )
    function = Function(
        name=own,
        about=f"Source {source.name} of {names.whole}: reads an API into {source.into}",
        handler="mesh.kits.rest.function.handler",
        memory_mb=_MEMORY_MB,
        timeout_s=_LONGEST_S,
        environment={"TAPMESH_SOURCE": msgspec.json.encode(settings).decode()},
        secrets=source.rest.variables(),
        concurrency=1,
        runtime=RUNTIME,
        architecture=names.stack.architecture,
    )
    role = Role(f"source_{source.name}", names.role_path, trust("lambda"), source_policy(names, source.name, source.into))
    plan = scheduled(names, function, role, source.every_s, f"schedule_{source.name}", own)
    return SourcePlan(source.name, source.into, parameter, plan)
