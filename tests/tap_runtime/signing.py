"""Taps that ask for tokens, and the tokens."""

import base64

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tap_runtime.settings import VerifyKey, Writer
from tests.tap_runtime.conftest import MakeTap
from tests.tap_runtime.local_tap import START, LocalTap


def tap_with_tokens(make_tap: MakeTap, people: list[str], ack: str, *others: Writer) -> tuple[LocalTap, Ed25519PrivateKey]:
    """A tap these people may write to, and what signs their tokens."""
    private = Ed25519PrivateKey.generate()
    public = base64.urlsafe_b64encode(private.public_key().public_bytes_raw()).decode().rstrip("=")
    writers = (*map(Writer, people), *others)
    return make_tap(ack=ack, public=False, writers=writers, keys=(VerifyKey("k1", public),)), private


def token(private: Ed25519PrivateKey, late_s: float = -3600, kid: str = "k1", **claims: object) -> str:
    """A mesh token that expired `late_s` ago."""
    exp = int(START.timestamp() - late_s)
    said = {"sub": "ann@acme", "aud": ["clicks"], "iss": "acme/test", "iat": exp - 3600, "exp": exp, **claims}
    return jwt.encode({name: value for name, value in said.items() if value is not None}, private, "EdDSA", headers={"kid": kid})
