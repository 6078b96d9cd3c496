"""A mesh token, an Ed25519 JWT -> its claims, if it is genuine.

Read here and not by PyJWT, which brings all that cryptography knows of X.509: 150 ms of each cold start (docs/benchmarks.md).
"""

import base64
import datetime as dt
from collections.abc import Mapping

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct


class NotGenuine(Exception):
    """Why a token is not accepted, without a word of it."""


class _Header(Struct):
    alg: str
    kid: str
    crit: object = msgspec.UNSET


class Claims(Struct, frozen=True):
    """What a token says; times in Unix seconds."""

    iss: str
    sub: str
    aud: str | tuple[str, ...]
    iat: float
    exp: float
    nbf: float = 0.0


_headers, _claims = msgspec.json.Decoder(_Header), msgspec.json.Decoder(Claims)


def claims(token: str, keys: Mapping[str, Ed25519PublicKey], issuer: str, now: dt.datetime) -> Claims:
    """The claims of a token one of `keys` (by `kid`) has signed for `issuer`; raises NotGenuine. Whether it has expired is not asked."""
    signed, _, signature = token.rpartition(".")
    head, _, body = signed.partition(".")
    try:
        header = _headers.decode(_decoded(head))
        if header.alg != "EdDSA" or header.crit is not msgspec.UNSET:
            raise NotGenuine("it is not signed as mesh tokens are")
        if header.kid not in keys:
            raise NotGenuine("it was signed with a key this tap does not know")
        keys[header.kid].verify(_decoded(signature), signed.encode())
    except InvalidSignature:
        raise NotGenuine("its signature is not of the key it names") from None
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise NotGenuine("it is not a JWT") from None
    found = _said(body)
    if found.iss != issuer:
        raise NotGenuine("it was issued for another mesh or stack")
    if max(found.iat, found.nbf) > now.timestamp():
        raise NotGenuine("it is not valid yet")
    return found


def _said(body: str) -> Claims:
    try:
        return _claims.decode(_decoded(body))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise NotGenuine("its claims are not those of a mesh token") from None


def _decoded(part: str) -> bytes:
    """Of base64url without padding, written as everybody writes it; raises ValueError."""
    decoded = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if base64.urlsafe_b64encode(decoded).decode().rstrip("=") != part:
        raise ValueError("not base64url")
    return decoded
