"""What checking a token takes of the accept path, beside PyJWT's own decode of the same token, and once it is remembered."""

import datetime as dt
import statistics
import sys
import time
from collections.abc import Callable

import jwt

from mesh.grants.keys import new_keyring
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


def main() -> None:
    """Exits 1 when a first check takes longer than its limit."""
    keyring = new_keyring()
    settings = TapSettings(
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
    lives = [dt.timedelta(hours=1, seconds=number) for number in range(TOKENS)]
    ours = [issue(keyring.signing, "bench/laptop", "partner", ("clicks",), life, NOW) for life in lives]
    theirs = [jwt.encode({"aud": PERSON, "iat": NOW_S, "exp": NOW_S + 3600 + number}, SECRET, "HS256") for number in range(TOKENS)]
    public = keyring.signing.private.public_key()

    def first(token: str) -> None:
        fresh._verified.clear()
        assert fresh.sender(Request("POST", {"x-bd-authorization": token}, b""), NOW) == "partner"

    def again(token: str) -> None:
        assert remembering.sender(Request("POST", {"x-bd-authorization": token}, b""), NOW) == "partner"

    fresh, remembering = Authenticator(settings, SECRET), Authenticator(settings, SECRET)
    library: dict[str, Callable[[str], object]] = {
        "Ed25519": lambda token: jwt.decode(token, public, ["EdDSA"], audience="clicks", issuer="bench/laptop"),
        "HS256": lambda token: jwt.decode(token, SECRET, ["HS256"], audience=PERSON[0]),
    }
    failed = False
    for name, tokens in (("Ed25519", ours), ("HS256", theirs)):
        took_us, library_us = each_us(first, tokens), each_us(library[name], tokens)
        each_us(again, tokens)
        again_us = each_us(again, tokens)
        failed |= took_us > LIMIT_US[name]
        print(
            f"{name}: {took_us:.0f} us of CPU to check a token (limit {LIMIT_US[name]}), PyJWT's decode {library_us:.0f} us, "
            f"ratio {took_us / library_us:.2f}; {again_us:.1f} us once remembered"
        )
    sys.exit(failed)


if __name__ == "__main__":
    main()
