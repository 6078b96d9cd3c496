"""How far into a lake somebody sees, by the mesh's read grants."""

import datetime as dt
from dataclasses import dataclass

from mesh.grants.rights import held
from mesh.spec.mesh import Mesh


@dataclass(frozen=True)
class Reach:
    """The taps whose data somebody may read, and those whose quarantine and manifests are theirs too."""

    data: frozenset[str]
    own: frozenset[str]

    def folders(self) -> list[str]:
        """What that is below the lake."""
        kinds = ("_mesh/landed", "_mesh/quarantine")
        return [*(f"{tap}/data" for tap in sorted(self.data)), *(f"{kind}/{tap}" for kind in kinds for tap in sorted(self.own))]


def reach(mesh: Mesh, who: str, day: dt.date) -> Reach:
    """Of a person, team, role or account. A read grant is to data alone; the owning team sees the rest as well."""
    found = held(mesh, "read", who, day)
    own = (right.tap for right in found if right.team == mesh.taps[right.tap].team)
    return Reach(frozenset(right.tap for right in found), frozenset(own))
