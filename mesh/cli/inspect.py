"""What `tapmesh token --inspect` says: who a token is of, for what, until when, and whether each tap would take it."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mesh.plan import TapPlan
    from tap_runtime.token import Token


@dataclass(frozen=True)
class Verdict:
    """One tap's answer; `refused` None: it would be accepted."""

    tap: str
    refused: str | None
    hint: str


def inspect(
    text: str, plans: Mapping[str, TapPlan], taps: Sequence[str], secret: str | None, now: dt.datetime
) -> tuple[Token, tuple[Verdict, ...]]:
    """The token taken apart and the verdicts of `taps`, else of those that it names, else of all; raises BadToken."""
    from tap_runtime.token import read_token

    token = read_token(text)
    asked = taps or (token.audience if token.algorithm == "EdDSA" else tuple(plans))
    return token, tuple(_verdict(text, plans[tap], secret, now) if tap in plans else Verdict(tap, "no such tap", "") for tap in asked)


def is_good(token: Token, verdicts: tuple[Verdict, ...]) -> bool:
    """Whether it is accepted wherever it is for; one that names no taps, somewhere."""
    accepted = [verdict.refused is None for verdict in verdicts]
    return any(accepted) if token.algorithm == "HS256" else all(accepted)


def _verdict(text: str, plan: TapPlan, secret: str | None, now: dt.datetime) -> Verdict:
    from tap_runtime.auth import Authenticator
    from tap_runtime.errors import Refused
    from tap_runtime.http import Request

    if plan.url is None:
        return Verdict(plan.name, "closed", "it takes nothing")
    try:
        Authenticator(plan.settings, secret).sender(Request("POST", {"x-bd-authorization": text}, b""), now)
    except Refused as refused:
        return Verdict(plan.name, f"{refused.status} {refused.code}: {refused.message}", refused.hint)
    return Verdict(plan.name, None, "public: it asks for no token" if plan.settings.public else "")


def as_json(token: Token, verdicts: tuple[Verdict, ...]) -> dict[str, Any]:
    """All of it for a script; nothing of the token's signature."""
    return {
        "kind": _kind(token),
        "issuer": token.issuer,
        "person": token.subject,
        "audience": list(token.audience),
        "kid": token.kid,
        "issued_at": _moment(token.issued_s),
        "expires_at": _moment(token.expires_s),
        "taps": [{"accepted": verdict.refused is None, **asdict(verdict)} for verdict in verdicts],
    }


def lines(token: Token, verdicts: tuple[Verdict, ...], now: dt.datetime) -> list[str]:
    """All of it for people."""
    left_s = token.expires_s - int(now.timestamp())
    when = f"in {_span(left_s)}" if left_s > 0 else f"{_span(-left_s)} ago"
    if token.algorithm == "EdDSA":
        about = [f"who:    {token.subject}", f"for:    {', '.join(token.audience)}", f"by:     {token.issuer}, with the key {token.kid}"]
    else:
        owner = " ".join(token.audience[2:]) or "its owner"
        about = [f"who:    {' '.join(token.audience[:2])}", f"for:    what {owner} shared with them"]
    told = [f"kind:   {_kind(token)}", *about, f"made:   {_moment(token.issued_s)}", f"until:  {_moment(token.expires_s)}, {when}"]
    return told + [_line(verdict) for verdict in verdicts]


def _line(verdict: Verdict) -> str:
    return f"{verdict.tap}: {'accepted' if verdict.refused is None else verdict.refused}{f'; {verdict.hint}' if verdict.hint else ''}"


def _kind(token: Token) -> str:
    return {"EdDSA": "mesh token", "HS256": "BoilingData tap token"}.get(token.algorithm, "unsigned")


def _moment(seconds: int) -> str:
    try:
        return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError):
        return "after the year 9999"


def _span(seconds: int) -> str:
    for unit, length in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} seconds"
