"""A token's text -> what it says and what is signed. The signature is for `auth` to check, with `cryptography` and `hmac`.

Read here and not by PyJWT, which brings all that cryptography knows of X.509: 150 ms of each cold start (docs/benchmarks.md). Strictly:
whatever base64url or JSON would let be read in two ways is refused.
"""

import base64
import json
from dataclasses import dataclass
from typing import Any

_MAX_LENGTH = 8192
_LATEST_S = 2**53


class BadToken(Exception):
    """Why a text is no token we take, in words that hold nothing of it."""


@dataclass(frozen=True)
class Token:
    """A JWT taken apart. `signed`: what its signature is of. Times in Unix seconds. Believe nothing of it before that is checked."""

    algorithm: str
    kid: str
    signed: bytes
    signature: bytes
    issuer: str | None
    subject: str | None
    audience: tuple[str, ...]
    issued_s: int
    begins_s: int
    expires_s: int


def read_token(text: str) -> Token:
    """Raises BadToken."""
    parts = text.split(".") if len(text) <= _MAX_LENGTH and text.isascii() else []
    if len(parts) != 3:
        raise BadToken("it is not a JWT")
    header, claims = _object(parts[0], "header"), _object(parts[1], "claims")
    if "crit" in header or not isinstance(header.get("typ", ""), str):
        raise BadToken("its header asks for what is not known here")
    issued_s = _time(claims, "iat")
    return Token(
        algorithm=_text(header, "alg") or "none",
        kid=_text(header, "kid") or "",
        signed=f"{parts[0]}.{parts[1]}".encode(),
        signature=_bytes(parts[2]),
        issuer=_text(claims, "iss"),
        subject=_text(claims, "sub"),
        audience=_audience(claims.get("aud")),
        issued_s=issued_s,
        begins_s=max(issued_s, _time(claims, "nbf") if "nbf" in claims else 0),
        expires_s=_time(claims, "exp"),
    )


def _bytes(part: str) -> bytes:
    """Base64url without padding, and the one spelling of it."""
    try:
        raw = base64.urlsafe_b64decode(part + "==")
    except ValueError:
        raw = b""
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != part:
        raise BadToken("it is not base64url")
    return raw


def _object(part: str, what: str) -> dict[str, Any]:
    try:
        found = json.loads(_bytes(part).decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BadToken(f"its {what} cannot be read")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def _text(values: dict[str, Any], name: str) -> str | None:
    value = values.get(name)
    if value is not None and not isinstance(value, str):
        raise BadToken(f"its {name} is not a text")
    return value


def _time(claims: dict[str, Any], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int or not 0 <= value <= _LATEST_S:
        raise BadToken(f"its {name} is {'missing' if value is None else 'not a time in whole seconds'}")
    return value


def _audience(value: Any) -> tuple[str, ...]:
    audience = [value] if isinstance(value, str) else value
    if not isinstance(audience, list) or not all(isinstance(one, str) for one in audience):
        raise BadToken("its aud is not a text or a list of them")
    return tuple(audience)
