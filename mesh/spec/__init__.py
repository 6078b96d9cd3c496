"""`taps.yaml` -> `Mesh`, or every problem at once with its place."""

from mesh.spec.load import Checked, load
from mesh.spec.problems import Problem

__all__ = ["Checked", "Problem", "load"]
