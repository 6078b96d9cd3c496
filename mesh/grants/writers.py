"""Who may write to a tap: members of the owning team, and whoever a grant names, teams taken apart into people."""

import datetime as dt

from mesh.spec.mesh import Mesh, Tap
from tap_runtime.settings import Writer


def writers(mesh: Mesh, tap: Tap) -> tuple[Writer, ...]:
    """Everybody with write access, sorted; of several grants to one person the longest counts."""
    until: dict[str, dt.date | None] = dict.fromkeys(mesh.teams.get(tap.team, ()))
    for grant in tap.write:
        for person in mesh.teams.get(grant.to, (grant.to,)):
            known = until.get(person, dt.date.min)
            until[person] = None if known is None or grant.until is None else max(known, grant.until)
    return tuple(Writer(person, last.isoformat() if last is not None else None) for person, last in sorted(until.items()))
