"""`tapmesh plan`: what `pulumi up` would make of the file, without asking the cloud."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Annotated

import typer

from mesh.cli.options import TAPS_YAML, File, Json, loaded, named_stack
from mesh.cli.say import data, warn

if TYPE_CHECKING:
    from mesh.plan.model import MeshPlan, TapPlan

NAME = "plan"
EXAMPLES = {
    "tapmesh plan": "names, resources, table and grants of every tap of taps.yaml in this folder, in the stack dev",
    "tapmesh plan --stack prod --json": "everything, policies and settings included, for a script",
}


def run(
    file: File = TAPS_YAML,
    stack: Annotated[str, typer.Option("--stack", help="The Pulumi stack; what it makes is named after it.", metavar="NAME")] = "dev",
    as_json: Json = False,
) -> None:
    """Show what pulumi up would make of taps.yaml. No account is asked, so keys, account and region are left open."""
    from mesh.plan import expand

    named = named_stack(stack)
    gc.disable()  # nearly all that is made is kept until the end
    plan = expand(loaded(file), named)
    if as_json:
        data(plan.json())
        return
    for note in plan.notes:
        warn(note)
    data(_tree(plan))


def _tree(plan: MeshPlan) -> str:
    """Two levels. Drawn here, as Rich's tree takes a quarter of a second for 1,000 taps."""
    count = sum(len(tap.resources) for tap in plan.taps)
    branches = [("the mesh itself", _shared(plan)), *((f"{tap.name}  {tap.settings.owner}", _own(tap)) for tap in plan.taps)]
    lines = [f"{plan.name}: {len(plan.taps)} tap{'s' if len(plan.taps) != 1 else ''}, {count} resources of their own"]
    for name, leaves in branches:
        fork, bar = ("└── ", "    ") if name == branches[-1][0] else ("├── ", "│   ")
        lines += [f"{fork}{name}", *(f"{bar}{leaf}" for leaf in leaves)]
    return "\n".join(lines)


def _shared(plan: MeshPlan) -> list[str]:
    rules = ", ".join(f"{expiry.name} {expiry.days}d" for expiry in plan.lake.expiries)
    return [
        f"lake        s3://{plan.lake.bucket}{', which exists' if plan.lake.adopted else ''}",
        f"expires     {rules}",
        f"steward     {plan.steward.function.name}, {plan.steward.schedule}",
        f"log group   {plan.log_group}, {plan.log_days}d",
        f"database    {plan.database}, queried in the workgroup {plan.workgroup}",
        f"alarms      {', '.join(alarm.name for alarm in plan.alarms)}",
        f"dashboard   {plan.name}",
        *(f"source      {each.scheduled.function.name}, {each.scheduled.schedule}, into {each.into}" for each in plan.sources),
        *([] if plan.telemetry is None else [f"telemetry   layers that send a function's telemetry to {plan.telemetry}"]),
    ]


def _own(tap: TapPlan) -> list[str]:
    function, settings = tap.function, tap.settings
    reserved = "" if function.concurrency is None else f", at most {function.concurrency} at once"
    writers = "anyone" if settings.public else ", ".join(f"{each.person}{_until(each.until)}" for each in settings.writers) or "nobody"
    lines = [
        f"function    {function.name}, {function.memory_mb} MB{reserved}",
        f"url         {'none: closed' if tap.url is None else 'POST' + _cors(tap.url.origins)}",
        f"writes      {writers}",
        f"lands       {settings.threshold_bytes:,} bytes or {settings.age_s} s, answers when {settings.ack}{_kept(settings.keep_days)}",
        f"table       {tap.table.database}.{tap.table.name}: " + ", ".join(f"{column.name} {column.type}" for column in tap.table.columns),
    ]
    readers = [] if tap.access_point is None else [f"readers     through the access point {tap.access_point.name}"]
    return [*lines, *readers, f"resources   {', '.join(each.kind for each in tap.resources)}"]


def _until(day: str | None) -> str:
    return "" if day is None else f" until {day}"


def _cors(origins: tuple[str, ...]) -> str:
    return f", from browsers at {', '.join(origins)}" if origins else ""


def _kept(days: int | None) -> str:
    return "" if days is None else f", kept {days} days"
