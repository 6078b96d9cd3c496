"""A sender's token: kept until shortly before it expires, asked for anew when a tap refuses it."""

import base64
import re
import time
from collections.abc import Callable

import msgspec

TokenSource = Callable[[], str | None]
"""A token, a new one at each call where that can be; None for a public tap. What it raises goes to who sends."""
_BEFORE_EXP_S = 60.0
_JWT = re.compile(r"[\w-]+\.([\w-]+)\.[\w-]*", re.ASCII)


class _Claims(msgspec.Struct, frozen=True):
    exp: float | None = None


class Token:
    """The token of a source that is good now."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source
        self._token = source()
        self._renew_at_s = _renew_at_s(self._token)

    def current(self) -> str | None:
        """The token, another one from a minute before `exp` on."""
        if time.time() >= self._renew_at_s:
            self.renewed()
        return self._token

    def renewed(self) -> bool:
        """Asks the source; whether it had another one."""
        before, self._token = self._token, self._source()
        self._renew_at_s = _renew_at_s(self._token)
        return self._token != before


def _renew_at_s(token: str | None) -> float:
    """A minute before `exp`; of a token that lives shorter than two minutes half-way there."""
    expires_s = expiry_s(token) if token is not None else None
    if expires_s is None:
        return float("inf")
    return expires_s - min(_BEFORE_EXP_S, max(0.0, expires_s - time.time()) / 2)


def expiry_s(token: str) -> float | None:
    """When a JWT ends, in Unix seconds; None where it does not say. Raises ValueError where it is no JWT."""
    try:
        parts = _JWT.fullmatch(token)
        claims = msgspec.json.decode(base64.urlsafe_b64decode(f"{parts[1]}===" if parts else ""), type=_Claims)
    except (ValueError, msgspec.MsgspecError):
        raise ValueError("not a JWT") from None
    return claims.exp
