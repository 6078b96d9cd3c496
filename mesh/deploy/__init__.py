"""`MeshPlan` -> resources: the one package that knows Pulumi, and the Pulumi program that `__main__.py` calls."""

from mesh.deploy.program import deploy

__all__ = ["deploy"]
