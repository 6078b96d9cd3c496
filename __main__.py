"""The Pulumi program: `pulumi up` deploys the mesh of taps.yaml."""

from pathlib import Path

from mesh.deploy import deploy

deploy(Path(__file__).with_name("taps.yaml"))
