"""Who sends: a token from the request's headers -> the sender's name, or the refusal that says what is missing and who can grant it."""

import base64
import datetime as dt
import hashlib
import hmac
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tap_runtime.errors import Refused
from tap_runtime.http import Request
from tap_runtime.settings import TapSettings, VerifyKey
from tap_runtime.token import BadToken, Token, read_token

GRACE_S = 15 * 60
SKEW_S = 60
_REMEMBERED = 4096


@dataclass(frozen=True)
class Genuine:
    """What a correctly signed token says. `taps` None: it names none. Times in Unix seconds."""

    person: str
    taps: tuple[str, ...] | None
    begins_s: int
    expires_s: int


class Authenticator:
    """One tap's token check. Signatures are verified once and remembered by digest; grants are looked at on every request."""

    def __init__(self, settings: TapSettings, secret: str | None = None) -> None:
        """`secret`: the BoilingData owner's, where the settings say that their tokens are taken."""
        self._settings = settings
        self._secret = (secret or "").encode()
        self._keys = {key.kid: _public_key(key) for key in settings.keys}
        self._until = {writer.person: _end_of_day(writer.until) for writer in settings.writers}
        self._verified: dict[bytes, Genuine] = {}

    def sender(self, request: Request, now: dt.datetime) -> str | None:
        """The sender's name in people, None on a public tap; raises Refused."""
        if self._settings.public:
            return None
        text = self._text(request)
        digest = hashlib.sha256(text.encode()).digest()
        genuine = self._verified.get(digest)
        if genuine is None:
            genuine = self._verify(text)
            if len(self._verified) >= _REMEMBERED:
                self._verified.clear()
            self._verified[digest] = genuine
        try:
            self._judge(genuine, now.timestamp())
        except Refused as refused:
            if refused.status == 401:
                del self._verified[digest]
            raise
        return genuine.person

    def _text(self, request: Request) -> str:
        own = request.headers.get("x-bd-authorization", "").strip()
        scheme, _, bearer = request.headers.get("authorization", "").strip().partition(" ")
        bearer = bearer.strip() if scheme.lower() == "bearer" else ""
        if own and bearer and own != bearer:
            raise self._bad("x-bd-authorization and Authorization differ")
        if own or bearer:
            return own or bearer
        hint = "put one into the header x-bd-authorization, or Authorization: Bearer, never into the URL"
        raise Refused(401, "no_token", "this tap asks for a token and the request has none", f"{hint}; {self._ask_for_one()}")

    def _verify(self, text: str) -> Genuine:
        try:
            token = read_token(text)
            if token.expires_s - token.issued_s > self._settings.longest_token_s:
                raise BadToken("it is good for longer than this mesh allows")
            return self._boilingdata(token) if token.algorithm == "HS256" else self._mesh(token)
        except BadToken as bad:
            raise self._bad(str(bad)) from None

    def _mesh(self, token: Token) -> Genuine:
        key = self._keys.get(token.kid)
        if token.algorithm != "EdDSA":
            raise BadToken("it is not signed as a token of this mesh is")
        if key is None:
            raise BadToken("it was signed with a key this tap does not know")
        try:
            key.verify(token.signature, token.signed)
        except InvalidSignature:
            raise BadToken("its signature is not right") from None
        if token.issuer != self._settings.issuer:
            raise BadToken("it is of another mesh or stack")
        if not token.subject:
            raise BadToken("it names nobody")
        return Genuine(token.subject, token.audience, token.begins_s, token.expires_s)

    def _boilingdata(self, token: Token) -> Genuine:
        taken = self._settings.boilingdata
        if taken is None or not self._secret:
            lacks = "nobody with such tokens has a grant" if taken is None else "it was not given the owner's tap master secret"
            raise BadToken(f"it is signed as a BoilingData token is, and this tap takes none: {lacks}")
        if not hmac.compare_digest(hmac.digest(self._secret, token.signed, "sha256"), token.signature):
            raise BadToken("it is not signed with the tap master secret of this mesh's BoilingData owner")
        if len(token.audience) != 3:
            raise BadToken("its aud is not a user name, an e-mail address and a sharing user")
        user, email, sharing = token.audience
        if sharing and sharing.lower() not in taken.owners:
            raise BadToken("it is for the taps of another BoilingData user")
        people = {found for found in (taken.users.get(user), taken.emails.get(email.lower())) if found is not None}
        if len(people) > 1:
            raise BadToken("its user name and its e-mail address are two people's")
        return Genuine(people.pop() if people else f"BoilingData's {email or user}", None, token.begins_s, token.expires_s)

    def _judge(self, genuine: Genuine, now_s: float) -> None:
        late_s = now_s - genuine.expires_s
        if late_s >= GRACE_S:
            raise self._bad("it has expired")
        if now_s < genuine.begins_s - SKEW_S:
            raise self._bad("it is not good yet; is the clock right where it was made?")
        self._granted(genuine, now_s)
        if late_s >= 0:
            hint = f"send the same request again with a new token; nothing was lost; {self._ask_for_one()}"
            raise Refused(503, "token_expired", "the token expired less than 15 minutes ago", hint, retry_after_s=5)

    def _granted(self, genuine: Genuine, now_s: float) -> None:
        tap, person = self._settings.tap, genuine.person
        if genuine.taps is not None and tap not in genuine.taps:
            hint = f"{self._command(person)} makes one that is"
            raise Refused(403, "not_granted", f"the token is not for {tap}", hint)
        owners = f"ask the owners (team {self._settings.owner})"
        if person not in self._until:
            hint = f"{owners} to grant it in taps.yaml, taps.{tap}.grants.write"
            raise Refused(403, "not_granted", f"{person} may not write to {tap}", hint)
        until = self._until[person]
        if until is not None and now_s >= until.timestamp():
            last = f"{until - dt.timedelta(days=1):%Y-%m-%d}"
            hint = f"{owners} to extend it in taps.yaml, taps.{tap}.grants.write"
            raise Refused(403, "not_granted", f"{person} may no longer write to {tap}: the grant ended with {last}", hint)

    def _bad(self, why: str) -> Refused:
        return Refused(401, "bad_token", f"the token is not accepted: {why}", f"get a new one; {self._ask_for_one()}")

    def _ask_for_one(self) -> str:
        return f"{self._command('NAME')} makes one, or ask the owners (team {self._settings.owner})"

    def _command(self, person: str) -> str:
        stack = self._settings.issuer.rpartition("/")[2]
        where = "" if stack == "laptop" else f" --stack {stack} --keys FILE"
        return f"tapmesh token --as {person} --tap {self._settings.tap}{where}"


def _public_key(key: VerifyKey) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key.public + "=="))


def _end_of_day(until: str | None) -> dt.datetime | None:
    if until is None:
        return None
    return dt.datetime.fromisoformat(until).replace(tzinfo=dt.UTC) + dt.timedelta(days=1)
