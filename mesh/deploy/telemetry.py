"""The layers by which other functions send their telemetry to a tap, and what such a function needs."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from mesh.deploy.lake import Lake
from mesh.package import Artefact
from mesh.package.wheels import Arch
from mesh.plan import MeshPlan

KIND = "tapmesh:mesh:Telemetry"


class Telemetry(pulumi.ComponentResource):
    """A layer an architecture, whatever the function's runtime: the extension is static. `needs` is the stack's output."""

    def __init__(self, plan: MeshPlan, tap: str, url: pulumi.Output[str], built: Mapping[Arch, Artefact], lake: Lake) -> None:
        super().__init__(KIND, "telemetry")
        layers: dict[str, pulumi.Output[str]] = {}
        for architecture, artefact in built.items():
            uploaded = lake.uploaded(f"telemetry-{architecture}", artefact)
            layer = aws.lambda_.LayerVersion(
                f"telemetry-{architecture}",
                layer_name=f"{plan.name}_telemetry_{architecture}",
                s3_bucket=uploaded.bucket,
                s3_key=uploaded.key,
                compatible_architectures=[architecture],
                opts=pulumi.ResourceOptions(parent=self),
            )
            layers[architecture] = layer.arn
        make = f"tapmesh token --as NAME --tap {tap} --for 30d --stack {plan.stack} --keys -"
        token = f"pulumi config get tapmesh:signing-key | {make}"
        environment = {"TAPMESH_TELEMETRY_URL": url, "TAPMESH_TELEMETRY_TOKEN": token}
        self.needs: dict[str, Any] = {"layers": layers, "environment": environment}
