"""Who may write to a tap, as its settings have it: each person once, and how BoilingData's tokens name them."""

from mesh.grants.rights import rights
from mesh.spec.mesh import Mesh, Tap
from tap_runtime.settings import Boilingdata, Writer


def writers(mesh: Mesh, tap: Tap) -> tuple[Writer, ...]:
    """Everybody with write access, sorted; of several grants to one person the longest counts."""
    people = reversed([right for right in rights(mesh, tap, "write") if right.kind == "person"])
    longest = {right.who: right.until for right in people}
    return tuple(Writer(person, last.isoformat() if last is not None else None) for person, last in sorted(longest.items()))


def boilingdata(mesh: Mesh, tap: Tap) -> Boilingdata | None:
    """Whose BoilingData tokens the tap takes; None: nobody's, and it needs no secret."""
    people = [mesh.people[writer.person] for writer in writers(mesh, tap)]
    users = {person.boilingdata: person.name for person in people if person.boilingdata is not None}
    if mesh.boilingdata_owner is None or not users:
        return None
    owner = mesh.boilingdata_owner.lower()
    names = (person.boilingdata for person in mesh.people.values() if person.email.lower() == owner)
    emails = {mesh.people[name].email.lower(): name for name in users.values()}
    return Boilingdata(owners=(owner, *(name.lower() for name in names if name is not None)), users=users, emails=emails)
