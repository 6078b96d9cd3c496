"""What checking a token takes of the accept path, beside PyJWT's own decode of the same token, and once it is remembered."""

import datetime as dt
import statistics
import sys
import time
from collections.abc import Callable

import jwt

from mesh.grants.keys import Keyring, new_keyring
from mesh.grants.tokens import issue
from tap_runtime.auth import Authenticator
from tap_runtime.http import Request
from tap_runtime.settings import Boilingdata, TapSettings, Writer

ROUNDS, TOKENS = 7, 400
LIMIT_US = {"Ed25519": 150, "HS256": 60}
SECRET = "a-tap-master-secret".ljust(64, "!")
NOW = dt.datetime.now(dt.UTC)
NOW_S = int(NOW.timestamp())
PERSON = ["partner", "partner@example.org", "lead@acme.example"]


def each_us(check: Callable[[str], object], tokens: list[str]) -> float:
    """Microseconds of CPU a token, the median of the rounds: what else runs on the machine is not counted."""
    rounds = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for token in tokens:
            check(token)
        rounds.append((time.process_time() - started) / len(tokens) * 1e6)
    return statistics.median(rounds)


def settings(keyring: Keyring) -> TapSettings:
    """A tap that takes both kinds of tokens from one person."""
    return TapSettings(
        mesh="bench",
        tap="clicks",
        owner="growth",
        issuer="bench/laptop",
        sql="select * from events",
        columns=(),
        output=(),
        writers=(Writer("partner"),),
        keys=keyring.public(),
        boilingdata=Boilingdata(owners=(PERSON[2],), users={PERSON[0]: "partner"}, emails={PERSON[1]: "partner"}),
    )


def is_within(name: str, tap: TapSettings, tokens: list[str], library: Callable[[str], object]) -> bool:
    """Measures one kind of token and prints it."""
    fresh, remembering = Authenticator(tap, SECRET), Authenticator(tap, SECRET)

    def first(token: str) -> None:
        fresh._verified.clear()
        again(token, fresh)

    def again(token: str, by: Authenticator = remembering) -> None:
        assert by.sender(Request("POST", {"x-bd-authorization": token}, b""), NOW) == "partner"

    took_us, library_us = each_us(first, tokens), each_us(library, tokens)
    each_us(again, tokens)
    print(
        f"{name}: {took_us:.0f} us of CPU to check a token (limit {LIMIT_US[name]}), PyJWT's decode {library_us:.0f} us, "
        f"ratio {took_us / library_us:.2f}; {each_us(again, tokens):.1f} us once remembered"
    )
    return took_us <= LIMIT_US[name]


def main() -> None:
    """Exits 1 when a first check takes longer than its limit."""
    keyring = new_keyring()
    public, tap = keyring.signing.private.public_key(), settings(keyring)
    lives = [dt.timedelta(hours=1, seconds=number) for number in range(TOKENS)]
    ours = [issue(keyring.signing, tap.issuer, "partner", (tap.tap,), life, NOW) for life in lives]
    theirs = [jwt.encode({"aud": PERSON, "iat": NOW_S, "exp": NOW_S + 3600 + number}, SECRET, "HS256") for number in range(TOKENS)]
    within = [
        is_within("Ed25519", tap, ours, lambda token: jwt.decode(token, public, ["EdDSA"], audience=tap.tap, issuer=tap.issuer)),
        is_within("HS256", tap, theirs, lambda token: jwt.decode(token, SECRET, ["HS256"], audience=PERSON[0])),
    ]
    sys.exit(not all(within))


if __name__ == "__main__":
    main()
