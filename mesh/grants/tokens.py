"""Mesh tokens: Ed25519 JWTs that say who sends; what they may do is in the taps' settings."""

import datetime as dt
from collections.abc import Sequence

import jwt

from mesh.grants.keys import SigningKey


def issue(key: SigningKey, issuer: str, person: str, taps: Sequence[str], lifetime: dt.timedelta, now: dt.datetime) -> str:
    """A token for `person` to write to `taps`, good for `lifetime` from `now`."""
    issued_s = int(now.timestamp())
    claims = {"iss": issuer, "sub": person, "aud": list(taps), "iat": issued_s, "exp": issued_s + int(lifetime.total_seconds())}
    return jwt.encode(claims, key.private, algorithm="EdDSA", headers={"kid": key.kid})
