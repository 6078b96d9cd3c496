"""A token's verdict is PyJWT's where that takes it at all, which a cold start does without."""

import datetime as dt
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tap_runtime.auth import Authenticator
from tap_runtime.errors import Refused
from tap_runtime.http import Request
from tap_runtime.settings import VerifyKey, Writer
from tap_runtime.token import BadToken, read_token
from tests.tap_runtime.local_tap import settings
from tests.tap_runtime.signing import HEADER, made, part

NOW = dt.datetime.now(dt.UTC)
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEYS = {"k1": PRIVATE.public_key()}
SAID = {"iss": "acme/test", "sub": "ann", "aud": ["clicks"], "iat": int(NOW.timestamp()) - 60, "exp": int(NOW.timestamp()) + 86_400}
GENUINE = made(PRIVATE, HEADER, SAID)
TAP = settings(public=False, writers=(Writer("ann"),), keys=(VerifyKey("k1", part(PRIVATE.public_key().public_bytes_raw())),))


def is_genuine(token: str) -> bool:
    try:
        return Authenticator(TAP).sender(Request("POST", {"x-bd-authorization": token}, b""), NOW) == "ann"
    except Refused:
        return False


def jwt_takes(token: str) -> bool:
    try:
        key = KEYS[jwt.get_unverified_header(token)["kid"]]
        required: Any = {"require": ["exp", "iat", "sub", "aud", "iss"]}
        jwt.decode(token, key, algorithms=["EdDSA"], issuer="acme/test", audience="clicks", options=required)
    except (jwt.InvalidTokenError, KeyError, TypeError):
        return False
    return True


@given(at=st.integers(0, len(GENUINE) - 1), character=st.characters(min_codepoint=32, max_codepoint=126))
def test_a_changed_character_gets_the_verdict_of_pyjwt(at: int, character: str) -> None:
    changed = GENUINE[:at] + character + GENUINE[at + 1 :]
    assert is_genuine(changed) == jwt_takes(changed)


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda each: st.lists(each, max_size=2), max_leaves=3)


@given(name=st.sampled_from([*HEADER, *SAID, "crit", "nbf"]), value=JSON)
def test_no_header_or_claim_is_taken_that_pyjwt_refuses(name: str, value: Any) -> None:
    header = {**HEADER, **({name: value} if name in HEADER or name == "crit" else {})}
    said = {**SAID, **({name: value} if name not in header else {})}
    token = made(PRIVATE, header, said)
    assert not is_genuine(token) or jwt_takes(token)


times = st.one_of(st.integers(-2, 2**54), st.floats(), st.text(max_size=3), st.none(), st.booleans())
texts = st.one_of(st.text(max_size=8), st.none(), st.integers(), st.lists(st.text(max_size=4), max_size=3))


@given(claims=st.fixed_dictionaries({"exp": times, "iat": times}, optional={"nbf": times, "aud": texts, "sub": texts, "iss": texts}))
def test_what_we_read_is_what_pyjwt_reads(claims: dict[str, Any]) -> None:
    text = made(PRIVATE, claims=json.dumps(claims).encode())
    try:
        found = read_token(text)
    except BadToken:
        return
    unchecked: Any = {f"verify_{name}": False for name in ("exp", "nbf", "iat", "aud", "sub", "iss", "jti")}
    theirs = jwt.decode(text, PRIVATE.public_key(), ["EdDSA"], options=unchecked)
    audience = [theirs["aud"]] if isinstance(theirs.get("aud"), str) else theirs.get("aud")
    ours = (found.expires_s, found.issued_s, found.subject, found.issuer, list(found.audience))
    assert ours == (theirs["exp"], theirs["iat"], theirs.get("sub"), theirs.get("iss"), audience)


@given(text=st.one_of(st.text(max_size=60), st.text("abcAB01-_=.", max_size=60)))
def test_any_text_is_refused_in_words(text: str) -> None:
    with pytest.raises(BadToken, match=r"^it"):
        read_token(text)
