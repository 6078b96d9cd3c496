"""The laptop mesh as it runs now: what the edge answers by and the pages show. `Dev` replaces its values on reload."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mesh.grants.keys import SigningKey
from mesh.local.workspace import Workspace
from mesh.plan import TapPlan
from mesh.spec.mesh import Mesh
from tap_runtime.accept import Acceptor


@dataclass
class Running:
    """`problems`: those of the last save, when it was broken; the mesh then runs on as it was."""

    mesh: Mesh
    workspace: Workspace
    key: SigningKey
    plans: Mapping[str, TapPlan] = field(default_factory=dict)
    acceptors: Mapping[str, Acceptor] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
