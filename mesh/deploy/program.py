"""The Pulumi program: configuration and `taps.yaml` -> plan -> resources -> outputs."""

import gc
from collections.abc import Mapping
from pathlib import Path

import pulumi

from mesh.deploy.asked import asked
from mesh.deploy.lake import Lake
from mesh.deploy.scheduled import Source
from mesh.deploy.steward import Steward
from mesh.deploy.tap import Tap
from mesh.deploy.telemetry import Telemetry
from mesh.kits.lambda_telemetry.build import build as build_telemetry
from mesh.package import Artefact, BuildFailed, Built, build
from mesh.package.wheels import MACHINES, Arch
from mesh.plan import MeshPlan, expand


def deploy(file: Path) -> None:
    """What `pulumi up` makes of the mesh in `file`."""
    gc.disable()  # a program this short keeps nearly all it makes: 1,000 taps took twice as long with collections
    found = asked(file)
    plan = expand(found.mesh, found.stack)
    try:
        out = file.parent / ".mesh" / "build"
        built = build(found.stack.architecture, out, pulumi.log.info)
        telemetry = {each: build_telemetry(each, out, pulumi.log.info) for each in MACHINES if plan.telemetry is not None}
    except BuildFailed as failed:
        raise pulumi.RunError(f"{failed}\n{failed.hint}") from None
    make(plan, built, telemetry, found.stack.region)


def make(plan: MeshPlan, built: Built, telemetry: Mapping[Arch, Artefact], region: str) -> None:
    """All resources of a plan, and the stack's outputs."""
    for note in (*plan.notes, *_removed(plan)):
        pulumi.log.info(note)
    lake = Lake(plan, built)
    taps = {tap.name: Tap(tap, lake) for tap in plan.taps}
    Steward(plan, lake)
    if plan.sources:
        code = lake.uploaded("source", built.source)
        for source in plan.sources:
            Source(source, code, lake)
    urls = {name: tap.url for name, tap in taps.items() if tap.url is not None}
    if plan.telemetry is not None:
        pulumi.export("telemetry", Telemetry(plan, plan.telemetry, urls[plan.telemetry], telemetry, lake).needs)
    pulumi.export("lake", f"s3://{plan.lake.bucket}")
    pulumi.export("urls", urls)
    pulumi.export("readers", {name: tap.ddl for name, tap in taps.items() if tap.ddl is not None})
    pulumi.export("dashboard", f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#dashboards/dashboard/{plan.name}")
    lake_is = f"export TAPMESH_LAKE=s3://{plan.lake.bucket}\nexport AWS_REGION={region}\n"
    pulumi.export("tapmesh.env", pulumi.Output.concat(lake_is, *(part for name, url in urls.items() for part in _line(name, url))))


def _removed(plan: MeshPlan) -> list[str]:
    """What becomes of a tap that had a URL when the stack was last deployed and has no block any more: a renamed one is one of these."""
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    outputs = pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": stack}).value["outputs"]
    lost = sorted({*outputs.get("urls", {})} - {tap.name for tap in plan.taps})
    kept = "not in the file any more: its URL, function and table go; its data, settings and role stay"
    return [f"{tap}: {kept}; tapmesh land --tap {tap} --lake s3://{plan.lake.bucket} lands what is open" for tap in lost]


def _line(tap: str, url: pulumi.Output[str]) -> tuple[pulumi.Input[str], ...]:
    return f"export TAPMESH_URL_{tap.upper()}=", url, "\n"
