"""What runs on Lambda, as zips."""

from mesh.package.artefact import Artefact, Built
from mesh.package.build import build
from mesh.package.wheels import BuildFailed

__all__ = ["Artefact", "BuildFailed", "Built", "build"]
