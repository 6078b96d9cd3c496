"""Who may write to a tap, as its settings have it: each person once."""

from mesh.grants.rights import rights
from mesh.spec.mesh import Mesh, Tap
from tap_runtime.settings import Writer


def writers(mesh: Mesh, tap: Tap) -> tuple[Writer, ...]:
    """Everybody with write access, sorted; of several grants to one person the longest counts."""
    people = reversed([right for right in rights(mesh, tap, "write") if right.kind == "person"])
    longest = {right.who: right.until for right in people}
    return tuple(Writer(person, last.isoformat() if last is not None else None) for person, last in sorted(longest.items()))
