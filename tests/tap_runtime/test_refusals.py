"""What is answered other than 200, and that nothing of it is kept."""

import datetime as dt
import gzip
from collections.abc import Iterator

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tap_runtime.settings import Writer
from tests.tap_runtime.local_tap import START, LocalTap, MakeTap
from tests.tap_runtime.signing import tap_with_tokens, token

GOOD = b'{"user":"ann","x":1}'


def nothing_kept(tap: LocalTap) -> bool:
    """Whether the lake holds its settings alone and no spool was opened."""
    keys = {entry.key.split("/")[1] for entry in tap.store.list("")}
    return keys == {"settings"} and not list((tap.root / "spool").rglob("*.ndjson"))


@pytest.fixture(scope="module")
def bomb() -> Iterator[bytes]:
    """Nine million zeros in nine thousand bytes."""
    yield gzip.compress(b"\n" * 9_000_000)


def test_too_much_is_413(tap: LocalTap, bomb: bytes) -> None:
    assert tap.post(b'{"user":"' + b"a" * 7_000_000 + b'"}').error == (413, "too_large")
    assert tap.post(b"x\n" * 3_000_000).error == (413, "too_large")
    assert tap.post((GOOD + b"\n") * 100_001).error == (413, "too_large")
    assert tap.post(b"[" + b",".join([b"1"] * 100_001) + b"]", content_type="application/json").error == (413, "too_large")
    assert tap.post(bomb, content_encoding="gzip").error == (413, "too_large")
    assert tap.post(gzip.compress(gzip.compress(GOOD)), content_encoding="gzip").error == (413, "too_large")
    assert tap.post(gzip.compress(GOOD), content_encoding="gzip, gzip").error == (413, "too_large")
    assert nothing_kept(tap)


def test_a_413_says_what_is_too_large_once_and_the_limit(tap: LocalTap, bomb: bytes) -> None:
    told = [tap.post(body, **headers).content for body, headers in ((b"x\n" * 100_001, {}), (bomb, {"content_encoding": "gzip"}))]
    assert [(each["message"], each["hint"]) for each in told] == [
        ("the body has 100,001 lines", "the limit is 100,000 lines a request; send smaller batches"),
        ("the body is too large once unpacked", "the limit is 8,388,608 bytes unpacked; send smaller batches"),
    ]


def test_what_cannot_be_unpacked_is_400_or_415(tap: LocalTap) -> None:
    packed = gzip.compress(GOOD * 50)
    for cut in (1, 9, len(packed) // 2, len(packed) - 1):
        assert tap.post(packed[:cut], content_encoding="gzip").error == (400, "unreadable")
    assert tap.post(GOOD, content_encoding="gzip").error == (400, "unreadable")
    assert tap.post(packed + b"trailing", content_encoding="gzip").error == (400, "unreadable")
    assert tap.post(packed, content_encoding="br").error == (415, "unknown_encoding")
    assert nothing_kept(tap)


def test_gzip_of_one_or_more_members_lands(tap: LocalTap) -> None:
    assert tap.post(gzip.compress(GOOD + b"\n") + gzip.compress(GOOD), content_encoding="gzip").taken == (200, 2, 0)
    tap.land()
    assert tap.rows('select "user", x from events_out') == [("ann", 1)] * 2


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
def test_a_tap_takes_post_only(tap: LocalTap, method: str) -> None:
    assert tap.post(GOOD, method=method).error == (405, "not_post")
    assert nothing_kept(tap)


def test_a_key_too_long_is_400_and_one_with_another_body_409(make_tap: MakeTap) -> None:
    tap, keys = tokens(make_tap)
    headers = {"x_bd_authorization": token(keys)}
    assert tap.post(GOOD, idempotency_key="k" * 257, **headers).error == (400, "bad_key")
    assert tap.post(GOOD, idempotency_key="k", **headers).taken == (200, 1, 0)
    assert tap.post(GOOD, idempotency_key="k", **headers).content["duplicate"] is True
    assert tap.post(GOOD + b"\n", idempotency_key="k", **headers).error == (409, "key_reused")
    tap.land()
    assert tap.rows("select _sender, x from events_out") == [("ann@acme", 1)]


def tokens(make_tap: MakeTap) -> tuple[LocalTap, Ed25519PrivateKey]:
    """Ann may write; bob's grant ended yesterday."""
    return tap_with_tokens(make_tap, ["ann@acme"], "stored", Writer("bob@acme", (START - dt.timedelta(days=1)).date().isoformat()))


@pytest.mark.parametrize(
    ("changed", "answer"),
    [
        ({}, None),
        ({"late_s": 0}, (503, "token_expired")),
        ({"late_s": 899}, (503, "token_expired")),
        ({"late_s": 900}, (401, "bad_token")),
        ({"aud": ["orders"]}, (403, "not_granted")),
        ({"sub": "eve@acme"}, (403, "not_granted")),
        ({"sub": "bob@acme"}, (403, "not_granted")),
        ({"iss": "evil"}, (401, "bad_token")),
        ({"kid": "k2"}, (401, "bad_token")),
        ({"exp": None}, (401, "bad_token")),
        ({"exp": "soon"}, (401, "bad_token")),
    ],
)
def test_a_token_says_who_may_write(make_tap: MakeTap, changed: dict[str, object], answer: tuple[int, str] | None) -> None:
    tap, private = tokens(make_tap)
    reply = tap.post(GOOD, x_bd_authorization=token(private, **changed))
    if answer is None:
        assert reply.taken == (200, 1, 0)
        return
    assert reply.error == answer
    assert reply.headers.get("retry-after") == ("5" if answer[0] == 503 else None)
    assert nothing_kept(tap)


def test_a_token_missing_forged_or_said_twice_is_401(make_tap: MakeTap) -> None:
    tap, private = tokens(make_tap)
    good, other = token(private), token(private, iat=1)
    assert tap.post(GOOD).error == (401, "no_token")
    assert tap.post(GOOD, authorization="Basic YTpi").error == (401, "no_token")
    assert tap.post(GOOD, x_bd_authorization=good, authorization=f"Bearer {other}").error == (401, "bad_token")
    assert tap.post(GOOD, authorization=f"Bearer {token(Ed25519PrivateKey.generate())}").error == (401, "bad_token")
    assert tap.post(GOOD, authorization=f"Bearer {good[:-8]}AAAAAAAA").error == (401, "bad_token")
    unsigned = jwt.encode({"sub": "ann@acme", "aud": "clicks"}, None, "none", headers={"kid": "k1"})
    for forged in (unsigned, "a.b.c", "x" * 9000, "é", good.replace(".", "")):
        assert tap.post(GOOD, x_bd_authorization=forged).error == (401, "bad_token")
    assert nothing_kept(tap)
    assert tap.post(GOOD, authorization=f"bearer {good}").taken == (200, 1, 0)
    assert tap.post(GOOD, x_bd_authorization=good, authorization=f"Bearer {good}").taken == (200, 1, 0)


def test_a_token_remembered_is_judged_again_at_each_request(make_tap: MakeTap) -> None:
    tap, private = tokens(make_tap)
    held = token(private, late_s=-60)
    assert tap.post(GOOD, x_bd_authorization=held).taken == (200, 1, 0)
    tap.now += dt.timedelta(seconds=61)
    assert tap.post(GOOD, x_bd_authorization=held).error == (503, "token_expired")
    tap.now += dt.timedelta(seconds=900)
    assert tap.post(GOOD, x_bd_authorization=held).error == (401, "bad_token")
