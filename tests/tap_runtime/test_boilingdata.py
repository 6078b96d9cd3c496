"""BoilingData tap tokens: signed with the owner's tap master secret, for [user name, e-mail address, sharing user]."""

import datetime as dt
from typing import Any

import jwt
import pytest

from tap_runtime.settings import Boilingdata, Writer
from tests.tap_runtime.local_tap import START, LocalTap, MakeTap, settings
from tests.tap_runtime.signing import GOOD, NOW_S, silent

SECRET = "the-tap-master-secret-of-lead".ljust(64, "!")
TAKEN = Boilingdata(
    owners=("lead@acme.example", "leadname"),
    users={"partner": "partner", "Friend": "friend"},
    emails={"partner@example.org": "partner", "friend@example.org": "friend"},
)
WRITERS = (Writer("partner"), Writer("friend", (START - dt.timedelta(days=1)).date().isoformat()), Writer("lead"))
PARTNER = ["partner", "partner@example.org", "lead@acme.example"]


@pytest.fixture
def tap(make_tap: MakeTap, tmp_path: Any) -> LocalTap:
    return LocalTap(tmp_path / "bd", settings(ack="stored", public=False, writers=WRITERS, boilingdata=TAKEN), secret=SECRET)


def token(aud: Any = PARTNER, secret: str = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    said = {"aud": aud, "iat": NOW_S - 60, "exp": NOW_S + 86_400, **claims}
    return jwt.encode({name: value for name, value in said.items() if value is not None}, secret, algorithm)


@pytest.mark.parametrize(
    "aud",
    [
        PARTNER,
        ["partner", "partner@example.org", ""],
        ["partner", "", "LEAD@acme.example"],
        ["someone", "Partner@Example.org", "leadname"],
        ["partner", "elsewhere@example.org", ""],
    ],
)
def test_a_person_with_a_grant_is_known_by_user_name_or_address(tap: LocalTap, aud: list[str]) -> None:
    assert tap.post(GOOD, x_bd_authorization=token(aud)).taken == (200, 1, 0)
    tap.land()
    assert tap.rows("select _sender from events_out") == [("partner",)]


REFUSED: list[tuple[dict[str, Any], tuple[int, str], str]] = [
    ({"secret": "the-tap-master-secret-of-other".ljust(64, "!")}, (401, "bad_token"), "not signed with the tap master secret"),
    ({"secret": SECRET.upper()}, (401, "bad_token"), "not signed with the tap master secret"),
    ({"algorithm": "HS384"}, (401, "bad_token"), "not signed as a token of this mesh"),
    ({"algorithm": "HS512"}, (401, "bad_token"), "not signed as a token of this mesh"),
    ({"aud": [*PARTNER[:2], "other@example.org"]}, (401, "bad_token"), "of another BoilingData user"),
    ({"aud": PARTNER[:2]}, (401, "bad_token"), "aud is not a user name"),
    ({"aud": [*PARTNER, "more"]}, (401, "bad_token"), "aud is not a user name"),
    ({"aud": "partner"}, (401, "bad_token"), "aud is not a user name"),
    ({"aud": ["partner", "friend@example.org", ""]}, (401, "bad_token"), "two people's"),
    ({"aud": ["PARTNER", "", ""]}, (403, "not_granted"), "PARTNER may not write to clicks"),
    ({"aud": ["nobody", "nobody@example.org", ""]}, (403, "not_granted"), "nobody@example.org may not write to clicks"),
    ({"aud": ["lead", "", ""]}, (403, "not_granted"), "BoilingData's lead may not write to clicks"),  # a people key, not that person
    ({"aud": ["", "", ""]}, (403, "not_granted"), "may not write to clicks"),
    ({"aud": ["Friend", "", ""]}, (403, "not_granted"), "friend may no longer write to clicks: the grant ended with 2026-06-30"),
    ({"exp": None}, (401, "bad_token"), "exp is missing"),
    ({"iat": None}, (401, "bad_token"), "iat is missing"),
    ({"iat": NOW_S - 3 * 86_400, "exp": NOW_S - 86_400}, (401, "bad_token"), "expired"),
    ({"exp": NOW_S - 1}, (503, "token_expired"), "less than 15 minutes ago"),
    ({"exp": NOW_S + 40 * 86_400}, (401, "bad_token"), "longer than this mesh allows"),
]


@pytest.mark.parametrize(("changed", "answer", "why"), REFUSED, ids=[str(changed)[:60] for changed, _, _ in REFUSED])
def test_what_is_refused(tap: LocalTap, changed: dict[str, Any], answer: tuple[int, str], why: str) -> None:
    text = token(**changed)
    said = tap.post(GOOD, x_bd_authorization=text)
    assert (said.error, why in said.content["message"]) == (answer, True), said.content
    assert silent(said, text)


def test_a_tap_without_such_grants_or_without_the_secret_takes_none(tmp_path: Any) -> None:
    for number, (taken, secret, why) in enumerate(
        [
            (None, SECRET, "nobody with such tokens has a grant"),
            (TAKEN, None, "not given the owner's"),
            (TAKEN, "", "not given the owner's"),
        ]
    ):
        tap = LocalTap(tmp_path / str(number), settings(ack="stored", public=False, writers=WRITERS, boilingdata=taken), secret=secret)
        for signed_with in (SECRET, "\0" * 32):
            said = tap.post(GOOD, x_bd_authorization=token(secret=signed_with))
            assert (said.error, why in said.content["message"]) == ((401, "bad_token"), True)
