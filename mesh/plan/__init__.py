"""`Mesh` and a stack -> `MeshPlan`: everything a deployment consists of as frozen values, before anything is written or called."""

from mesh.plan.expand import expand
from mesh.plan.model import MeshPlan, TapPlan
from mesh.plan.names import BadStack, Stack, issuer

__all__ = ["BadStack", "MeshPlan", "Stack", "TapPlan", "expand", "issuer"]
