"""Every person by every tap by every kind of token, and what who-can says of each."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import jwt

from mesh.grants.keys import Keyring, new_keyring
from mesh.grants.rights import rights
from mesh.grants.tokens import issue
from mesh.plan import issuer
from mesh.spec.mesh import Mesh, Person, Tap

SECRET = "the-tap-master-secret-of-lead".ljust(64, "!")


@dataclass(frozen=True)
class Case:
    """A request with a token, or without one, and whether it has to be taken."""

    tap: str
    what: str
    token: str | None
    allowed: bool


def cases(mesh: Mesh, stack: str, keyring: Keyring, now: dt.datetime) -> Iterator[Case]:
    """BoilingData's tokens are good for people who have a user name there, and only where they have a grant."""
    stranger = new_keyring()
    for tap in mesh.taps.values():
        allowed = {right.who for right in rights(mesh, tap, "write") if right.holds(now.date())}
        yield Case(tap.name, "no token", None, False)
        for person in mesh.people.values():
            may = person.name in allowed
            yield Case(tap.name, f"{person.name}'s", _mesh(keyring, mesh, stack, person, tap.name, now), may)
            yield Case(tap.name, f"{person.name}'s for another tap", _mesh(keyring, mesh, stack, person, _another(mesh, tap), now), False)
            yield Case(tap.name, f"{person.name}'s of another stack", _mesh(keyring, mesh, "other", person, tap.name, now), False)
            yield Case(tap.name, f"{person.name}'s by another key", _mesh(stranger, mesh, stack, person, tap.name, now), False)
            may_so = may and person.boilingdata is not None
            yield Case(tap.name, f"{person.name}'s of BoilingData", boilingdata(person, SECRET, now), may_so)
            yield Case(tap.name, f"{person.name}'s of another owner", boilingdata(person, "?" * 64, now), False)


def _another(mesh: Mesh, tap: Tap) -> str:
    return next(name for name in mesh.taps if name != tap.name)


def _mesh(keyring: Keyring, mesh: Mesh, stack: str, person: Person, tap: str, now: dt.datetime) -> str:
    return issue(keyring.signing, issuer(mesh, stack), person.name, (tap,), dt.timedelta(hours=1), now)


def boilingdata(person: Person, secret: str, now: dt.datetime) -> str:
    """A tap token as BoilingData's API makes it for that person."""
    issued_s = int(now.timestamp())
    audience = [person.boilingdata or person.name, person.email, "lead@acme.example"]
    return jwt.encode({"aud": audience, "iat": issued_s, "exp": issued_s + 3600}, secret, "HS256")
