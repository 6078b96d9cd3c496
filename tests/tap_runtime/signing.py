"""Taps that ask for tokens, and the tokens."""

import base64
import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tap_runtime.settings import VerifyKey, Writer
from tests.tap_runtime.local_tap import START, Answer, LocalTap, MakeTap

GOOD = b'{"user":"ann","x":1}'
NOW_S = int(START.timestamp())
CLAIMS = {"sub": "ann@acme", "aud": ["clicks"], "iss": "acme/test", "iat": NOW_S - 60, "exp": NOW_S + 3600}
HEADER = {"alg": "EdDSA", "typ": "JWT", "kid": "k1"}
Signed = tuple[LocalTap, Ed25519PrivateKey]


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


def part(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def made(private: Ed25519PrivateKey, header: Any = HEADER, claims: Any = CLAIMS) -> str:
    """A correctly signed token of any header and claims, bytes as they are."""
    text = f"{part(header)}.{part(claims)}"
    return f"{text}.{part(private.sign(text.encode()))}"


def refused(tap: LocalTap, text: str, why: str = "", **headers: str) -> None:
    answer = tap.post(GOOD, **(headers or {"x_bd_authorization": text}))
    assert answer.error == (401, "bad_token"), answer.content
    assert why in answer.content["message"]
    assert silent(answer, text)
    assert {entry.key.split("/")[1] for entry in tap.store.list("")} == {"settings"}


def silent(answer: Answer, text: str) -> bool:
    """Whether nothing that stands between the token's dots is in the answer."""
    said = json.dumps(answer.content)
    return all(piece not in said for piece in text.split(".") if len(piece) > 3)
