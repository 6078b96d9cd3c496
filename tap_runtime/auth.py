"""Who sends: a token from the request's headers -> the sender's name, or the refusal that says what is missing and who can grant it."""

import base64
import datetime as dt
import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tap_runtime.errors import Refused
from tap_runtime.http import Request
from tap_runtime.settings import TapSettings, VerifyKey
from tap_runtime.token import NotGenuine, claims

GRACE_S = 15 * 60
_REMEMBERED = 4096
_MAX_TOKEN = 8192


@dataclass(frozen=True)
class Genuine:
    """What a correctly signed token says. `expires_s` in Unix seconds."""

    person: str
    taps: tuple[str, ...]
    expires_s: float


class Authenticator:
    """One tap's token check. Signatures are verified once and remembered by digest; grants are looked at on every request."""

    def __init__(self, settings: TapSettings) -> None:
        self._settings = settings
        self._keys = {key.kid: _public_key(key) for key in settings.keys}
        self._until = {writer.person: _end_of_day(writer.until) for writer in settings.writers}
        self._verified: dict[bytes, Genuine] = {}

    def sender(self, request: Request, now: dt.datetime) -> str | None:
        """The sender's name in people, None on a public tap; raises Refused."""
        if self._settings.public:
            return None
        token = _token(request)
        digest = hashlib.sha256(token.encode()).digest()
        genuine = self._verified.get(digest)
        if genuine is None:
            genuine = self._verify(token, now)
            if len(self._verified) >= _REMEMBERED:
                self._verified.clear()
            self._verified[digest] = genuine
        self._judge(genuine, now)
        return genuine.person

    def _verify(self, token: str, now: dt.datetime) -> Genuine:
        try:
            said = claims(token, self._keys, self._settings.issuer, now)
        except NotGenuine as error:
            raise _bad_token(str(error)) from None
        return Genuine(said.sub, (said.aud,) if isinstance(said.aud, str) else said.aud, said.exp)

    def _judge(self, genuine: Genuine, now: dt.datetime) -> None:
        late_s = now.timestamp() - genuine.expires_s
        if late_s >= GRACE_S:
            raise _bad_token("it has expired")
        if late_s >= 0:
            hint = "get a new token and send the same request again; nothing was lost"
            raise Refused(503, "token_expired", "the token expired less than 15 minutes ago", hint, retry_after_s=5)
        tap, owner = self._settings.tap, self._settings.owner
        ask = f"ask the owners (team {owner}) to grant it in taps.yaml, taps.{tap}.grants.write"
        if tap not in genuine.taps:
            raise Refused(
                403, "not_granted", f"the token is not for {tap}", f"tapmesh token --as {genuine.person} --tap {tap} makes one that is"
            )
        if genuine.person not in self._until:
            raise Refused(403, "not_granted", f"{genuine.person} may not write to {tap}", ask)
        until = self._until[genuine.person]
        if until is not None and now >= until:
            last = f"{until - dt.timedelta(days=1):%Y-%m-%d}"
            raise Refused(403, "not_granted", f"{genuine.person} may no longer write to {tap}: the grant ended with {last}", ask)


def _public_key(key: VerifyKey) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key.public + "=="))


def _end_of_day(until: str | None) -> dt.datetime | None:
    if until is None:
        return None
    return dt.datetime.fromisoformat(until).replace(tzinfo=dt.UTC) + dt.timedelta(days=1)


def _token(request: Request) -> str:
    own = request.headers.get("x-bd-authorization", "").strip()
    scheme, _, bearer = request.headers.get("authorization", "").strip().partition(" ")
    bearer = bearer.strip() if scheme.lower() == "bearer" else ""
    if own and bearer and own != bearer:
        raise _bad_token("x-bd-authorization and Authorization differ")
    token = own or bearer
    if not token:
        hint = "send a token in the header x-bd-authorization (or Authorization: Bearer); tapmesh token --as NAME --tap TAP makes one"
        raise Refused(401, "no_token", "this tap asks for a token and the request has none", hint)
    if len(token) > _MAX_TOKEN or not token.isascii():
        raise _bad_token("it is not a JWT")
    return token


def _bad_token(why: str) -> Refused:
    hint = "make a new one: tapmesh token --as NAME --tap TAP"
    return Refused(401, "bad_token", f"the token is not accepted: {why}", hint)
