"""Tokens nobody should take, each refused with 401 and without a word of the token; and what is like them, but good."""

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest

from tap_runtime.auth import Authenticator
from tap_runtime.http import Request
from tests.tap_runtime.local_tap import START, MakeTap
from tests.tap_runtime.signing import CLAIMS, GOOD, HEADER, NOW_S, Signed, made, part, refused, tap_with_tokens, token


def test_one_that_is_good_is_taken_whatever_the_headers_case(signed: Signed) -> None:
    tap, private = signed
    assert tap.post(GOOD, x_bd_authorization=made(private)).taken == (200, 1, 0)
    assert tap.post(GOOD, authorization=f"BEARER   {made(private)} ").taken == (200, 1, 0)
    assert tap.post(GOOD, x_bd_authorization=made(private, claims=CLAIMS | {"aud": "clicks"})).taken == (200, 1, 0)


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None, 0, "ES256", "eddsa", "Ed448"])
def test_no_other_algorithm(signed: Signed, algorithm: Any) -> None:
    tap, private = signed
    refused(tap, made(private, HEADER | {"alg": algorithm}))
    refused(tap, f"{part(HEADER | {'alg': algorithm})}.{part(CLAIMS)}.")


@pytest.mark.parametrize("kid", ["k2", "", None, "../../etc/passwd", "/tmp/tapmesh/key", "k1\0", "K1", " k1", 1, ["k1"], {"kid": "k1"}])
def test_no_other_kid(signed: Signed, kid: Any) -> None:
    refused(signed[0], made(signed[1], HEADER | {"kid": kid}))


def test_nothing_stands_twice(signed: Signed) -> None:
    tap, private = signed
    refused(tap, made(private, b'{"alg":"EdDSA","kid":"k1","kid":"k1"}'), "its header cannot be read")
    refused(tap, made(private, claims=json.dumps(CLAIMS).encode()[:-1] + b',"sub":"ann@acme"}'), "its claims cannot be read")


def test_no_header_that_asks_for_more(signed: Signed) -> None:
    refused(signed[0], made(signed[1], HEADER | {"crit": ["exp"]}), "asks for what is not known")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"iss": "acme/prod"}, "of another mesh or stack"),
    ({"iss": None}, "of another mesh or stack"),
    ({"iss": ["acme/test"]}, "iss is not a text"),
    ({"sub": None}, "it names nobody"),
    ({"sub": ""}, "it names nobody"),
    ({"sub": 1}, "sub is not a text"),
    ({"nbf": NOW_S + 61}, "not good yet"),
    ({"iat": NOW_S + 61}, "not good yet"),
    ({"iat": NOW_S + 3600, "exp": NOW_S + 7200}, "not good yet"),
    ({"nbf": "now"}, "nbf is not a time"),
    ({"iat": None}, "iat is missing"),
    ({"iat": True}, "iat is not a time"),
    ({"exp": None}, "exp is missing"),
    ({"exp": str(NOW_S + 60)}, "exp is not a time"),
    ({"exp": NOW_S + 60.5}, "exp is not a time"),
    ({"exp": 1e300}, "exp is not a time"),
    ({"exp": 10**400}, "exp is not a time"),
    ({"exp": -1}, "exp is not a time"),
    ({"exp": True}, "exp is not a time"),
    ({"exp": NOW_S - 3600, "iat": NOW_S - 7200}, "has expired"),
    ({"exp": NOW_S + 31 * 86_400}, "longer than this mesh allows"),
    ({"aud": None}, "aud is not a text or a list"),
    ({"aud": {"clicks": 1}}, "aud is not a text or a list"),
    ({"aud": ["clicks", 1]}, "aud is not a text or a list"),
]


@pytest.mark.parametrize(("claims", "why"), WRONG, ids=[str(claims)[:40] for claims, _ in WRONG])
def test_no_other_claims(signed: Signed, claims: dict[str, Any], why: str) -> None:
    refused(signed[0], made(signed[1], claims=CLAIMS | claims), why)


@pytest.mark.parametrize("claims", [b"", b"[]", b"null", b"{", b"\xff", b'"x"', b"[" * 6000, b'{"exp":' + b"9" * 5000 + b"}", b"NaN"])
def test_no_claims_that_are_none(signed: Signed, claims: bytes) -> None:
    refused(signed[0], made(signed[1], claims=claims))


@pytest.mark.parametrize("aud", [[], ["orders"], "xclicksx", "clicks ", "", ["*"]])
def test_another_taps_token_is_403(signed: Signed, aud: Any) -> None:
    tap, private = signed
    answer = tap.post(GOOD, x_bd_authorization=made(private, claims=CLAIMS | {"aud": aud}))
    assert answer.error == (403, "not_granted")
    assert answer.content["message"] == "the token is not for clicks"


def test_a_second_late_is_503_and_an_hour_401(signed: Signed) -> None:
    tap, private = signed
    late = tap.post(GOOD, x_bd_authorization=made(private, claims=CLAIMS | {"exp": NOW_S - 1}))
    assert (late.error, late.headers["retry-after"]) == ((503, "token_expired"), "5")
    assert "nothing was lost" in late.content["hint"]
    assert "tapmesh token --as NAME --tap clicks --stack test --keys FILE makes one" in late.content["hint"]
    refused(tap, made(private, claims=CLAIMS | {"iat": NOW_S - 7200, "exp": NOW_S - 3600}), "has expired")


def test_who_lost_the_grant_hears_that_rather_than_to_try_again(signed: Signed) -> None:
    tap, private = signed
    answer = tap.post(GOOD, x_bd_authorization=made(private, claims=CLAIMS | {"sub": "eve@acme", "exp": NOW_S - 1}))
    assert answer.error == (403, "not_granted")


SPELLINGS: list[tuple[str, Callable[[str], str]]] = [
    ("padded", lambda text: ".".join(piece + "=" * (-len(piece) % 4 or 4) for piece in text.split("."))),
    ("a space", lambda text: text[:20] + " " + text[20:]),
    ("a newline", lambda text: text[:20] + "\n" + text[20:]),
    ("plain base64", lambda text: text.replace("-", "+").replace("_", "/") + "+"),
    ("loose last bits", lambda text: text[:-1] + chr(ord(text[-1]) + 1)),
    ("unicode", lambda text: text.replace("e", "е", 1)),
    ("a full stop more", lambda text: text + "."),
    ("a full stop less", lambda text: text.replace(".", "", 1)),
    ("an empty header", lambda text: "." + text.split(".", 1)[1]),
    ("100 KB", lambda text: text + "A" * 100_000),
    ("100 KB of claims", lambda text: text.replace(".", "." + "A" * 100_000, 1)),
    ("twice", lambda text: f"{text},{text}"),
    ("a comma list", lambda text: f"{text}, nonsense"),
    ("five parts", lambda text: f"{text}.a.b"),
]


@pytest.mark.parametrize("spell", [spell for _, spell in SPELLINGS], ids=[name for name, _ in SPELLINGS])
def test_one_spelling_only(signed: Signed, spell: Callable[[str], str]) -> None:
    refused(signed[0], spell(made(signed[1])))


def test_two_headers_that_differ_are_refused_though_both_are_good(signed: Signed) -> None:
    tap, private = signed
    good, other = made(private), made(private, claims=CLAIMS | {"iat": NOW_S - 61})
    refused(tap, good, "differ", x_bd_authorization=good, authorization=f"Bearer {other}")
    assert tap.post(GOOD, authorization=f"Basic {good}").error == (401, "no_token")


def test_what_was_removed_from_a_team_is_refused_at_once_with_a_token_still_good(make_tap: MakeTap) -> None:
    before, private = tap_with_tokens(make_tap, ["ann@acme", "bob@acme"], "stored")
    good = token(private, sub="bob@acme")
    assert before.post(GOOD, x_bd_authorization=good).taken == (200, 1, 0)
    after = make_tap(ack="stored", public=False, writers=before.settings.writers[:1], keys=before.settings.keys)
    answer = after.post(GOOD, x_bd_authorization=good)
    assert answer.error == (403, "not_granted")
    assert answer.content["message"] == "bob@acme may not write to clicks"
    assert answer.content["hint"] == "ask the owners (team growth) to grant it in taps.yaml, taps.clicks.grants.write"


def test_what_is_remembered_is_bounded(signed: Signed) -> None:
    tap, private = signed
    authenticator = Authenticator(tap.settings)
    for number in range(4200):
        request = Request("POST", {"x-bd-authorization": made(private, claims=CLAIMS | {"jti": str(number)})}, b"")
        assert authenticator.sender(request, START) == "ann@acme"
    assert len(authenticator._verified) == 4200 - 4096


def test_nothing_shows_what_it_was_given(make_tap: MakeTap) -> None:
    tap, private = tap_with_tokens(make_tap, ["ann@acme"], "stored")
    text, secret = made(private), "a-master-secret-of-the-owner"
    authenticator = Authenticator(tap.settings, secret)
    tap.post(GOOD, x_bd_authorization=text)
    tap.land()
    shown = f"{authenticator!r} {vars(tap.acceptor)!r} {tap.settings!r}"
    kept = b"".join(path.read_bytes() for path in tap.root.rglob("*") if path.is_file())
    for hidden in (secret, *text.split(".")):
        assert hidden not in shown
        assert hidden.encode() not in kept


def test_a_token_good_for_as_long_as_the_mesh_allows(signed: Signed) -> None:
    tap, private = signed
    whole = {"iat": NOW_S, "exp": NOW_S + 30 * 86_400}
    assert tap.post(GOOD, x_bd_authorization=made(private, claims=CLAIMS | whole)).taken == (200, 1, 0)
    tap.now += dt.timedelta(days=30, seconds=-1)
    assert tap.post(GOOD, x_bd_authorization=made(private, claims=CLAIMS | whole)).taken == (200, 1, 0)
