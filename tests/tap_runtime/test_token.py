"""A token's verdict is PyJWT's, which a cold start does without."""

import base64
import datetime as dt
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tap_runtime.token import NotGenuine, claims

NOW = dt.datetime.now(dt.UTC)
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEYS = {"k1": PRIVATE.public_key()}
SAID = {"iss": "acme/test", "sub": "ann", "aud": ["clicks"], "iat": int(NOW.timestamp()) - 60, "exp": int(NOW.timestamp()) + 60}
HEADER = {"alg": "EdDSA", "kid": "k1", "typ": "JWT"}


def part(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def signed(header: Any, said: Any) -> str:
    """Whatever it says, signed by the genuine key."""
    text = part(json.dumps(header).encode()) + b"." + part(json.dumps(said).encode())
    return (text + b"." + part(PRIVATE.sign(text))).decode()


GENUINE = signed(HEADER, SAID)


def is_genuine(token: str) -> bool:
    try:
        claims(token, KEYS, "acme/test", NOW)
    except NotGenuine:
        return False
    return True


def jwt_takes(token: str) -> bool:
    """As this project used it."""
    try:
        key = KEYS[jwt.get_unverified_header(token)["kid"]]
        required: Any = {"require": ["exp", "iat", "sub", "aud", "iss"], "verify_exp": False, "verify_aud": False}
        jwt.decode(token, key, algorithms=["EdDSA"], issuer="acme/test", options=required)
    except (jwt.InvalidTokenError, KeyError):
        return False
    return True


def test_a_genuine_token_says_what_was_signed() -> None:
    said = claims(GENUINE, KEYS, "acme/test", NOW)
    assert (said.iss, said.sub, said.aud, said.iat, said.exp) == ("acme/test", "ann", ("clicks",), SAID["iat"], SAID["exp"])
    assert claims(signed(HEADER, {**SAID, "aud": "clicks"}), KEYS, "acme/test", NOW).aud == "clicks"


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ("", "not a JWT"),
        ("a.b", "not a JWT"),
        (GENUINE + ".", "signature"),
        (GENUINE + "=", "not a JWT"),
        (GENUINE.replace(".", ". ", 1), "signature"),
        (GENUINE[:-86] + part(bytes(64)).decode(), "signature"),
        (signed({**HEADER, "alg": "none"}, SAID), "not signed as"),
        (signed({**HEADER, "alg": "HS256"}, SAID), "not signed as"),
        (signed({**HEADER, "crit": ["b64"], "b64": False}, SAID), "not signed as"),
        (signed({**HEADER, "kid": "k2"}, SAID), "key this tap does not know"),
        (signed({**HEADER, "kid": ["k1"]}, SAID), "not a JWT"),
        (signed([], SAID), "not a JWT"),
        (signed(HEADER, []), "claims"),
        (signed(HEADER, {**SAID, "exp": True}), "claims"),
        (signed(HEADER, {**SAID, "exp": "9e9"}), "claims"),
        (signed(HEADER, {**SAID, "exp": 10**400}), "claims"),
        (signed(HEADER, {**SAID, "exp": float("inf")}), "claims"),
        (signed(HEADER, {**SAID, "sub": None}), "claims"),
        (signed(HEADER, {**SAID, "iss": "acme/prod"}), "another mesh or stack"),
        (signed(HEADER, {**SAID, "nbf": SAID["exp"]}), "not valid yet"),
        (signed(HEADER, {**SAID, "iat": SAID["exp"]}), "not valid yet"),
    ],
)
def test_anything_else_is_refused_in_words(token: str, why: str) -> None:
    with pytest.raises(NotGenuine, match=why):
        claims(token, KEYS, "acme/test", NOW)


@given(at=st.integers(0, len(GENUINE) - 1), character=st.characters(min_codepoint=32, max_codepoint=126))
def test_a_changed_character_gets_the_verdict_of_pyjwt(at: int, character: str) -> None:
    changed = GENUINE[:at] + character + GENUINE[at + 1 :]
    assert is_genuine(changed) == jwt_takes(changed)


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda each: st.lists(each, max_size=2), max_leaves=3)


@given(name=st.sampled_from([*HEADER, *SAID, "crit", "nbf"]), value=JSON)
def test_no_header_or_claim_is_taken_that_pyjwt_refuses(name: str, value: Any) -> None:
    header = {**HEADER, **({name: value} if name in HEADER or name == "crit" else {})}
    said = {**SAID, **({name: value} if name not in header else {})}
    token = signed(header, said)
    assert not is_genuine(token) or jwt_takes(token)
