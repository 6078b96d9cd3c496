"""What a tap says of others: its team, who may write and read, origins; and the keys that only make sense together."""

import re
from collections.abc import Mapping

from mesh.spec.language import GrantKeys, TapKeys
from mesh.spec.mesh import Grant, ReadGrant
from mesh.spec.nodes import At
from mesh.spec.problems import did_you_mean
from mesh.spec.validate import FAULTY

_ORIGIN = re.compile(r"https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:([1-9]\d{0,4}))?|\*", re.ASCII)
_MAX_PORT = 65_535
AFTER_AGE_S = 60


def check_names(keys: TapKeys, at: At, people: Mapping[str, object], teams: Mapping[str, object]) -> None:
    """Notes every name that is nobody's, and every origin that is none."""
    check_team(keys.team, at, people, teams)
    everybody = {FAULTY: None, **people, **teams}
    granted: set[str] = set()
    for index, grant in enumerate(keys.grants.write):
        to = grant if isinstance(grant, str) else grant.to
        _check_somebody(to, everybody, at, "write", index)
        if to in granted - {FAULTY}:
            at.say(f"{to} stands twice; leave the grant that is meant", "grants", "write", index)
        granted.add(to)
    for index, reader in enumerate(keys.grants.read):
        if isinstance(reader, str):
            _check_somebody(reader, everybody, at, "read", index)
        elif (reader.role is None) == (reader.account is None):
            at.say("expected either role or account", "grants", "read", index)
        elif reader.account not in (None, FAULTY) and not re.fullmatch(r"\d{12}", str(reader.account), re.ASCII):
            at.say(f"{str(reader.account)[:60]} is not an account id, which has 12 digits", "grants", "read", index, "account")
    for index, origin in enumerate(keys.origins):
        if origin != FAULTY and not _is_origin(origin):
            text = f"{origin} is not an origin; expected http or https, host and perhaps port alone, in lower case{_meant(origin)}"
            at.say(text, "origins", index)


def check_team(team: str, at: At, people: Mapping[str, object], teams: Mapping[str, object]) -> bool:
    """Whether it is a team; notes it when it is not."""
    if team in (FAULTY, *teams):
        return True
    at.say(f"{team} {'is a person; a team owns a tap' if team in people else f'is not in teams; {did_you_mean(team, teams)}'}", "team")
    return False


def _is_origin(text: str) -> bool:
    match = _ORIGIN.fullmatch(text)
    return match is not None and ".." not in text and int(match[3] or 0) <= _MAX_PORT


def _meant(origin: str) -> str:
    bare = re.match(r"https?://[^/?#\s]+", origin.lower())
    return f"; did you mean {bare[0]}?" if bare is not None and _is_origin(bare[0]) else ", like https://shop.acme.example"


def _check_somebody(to: str, everybody: Mapping[str, object], at: At, kind: str, index: int) -> None:
    if to not in everybody:
        names = [name for name in everybody if name != FAULTY]
        at.say(f"{to} is not in people or teams; {did_you_mean(to, names)}", "grants", kind, index)


def check_together(keys: TapKeys, at: At) -> None:
    """Notes keys that contradict one another."""
    least = keys.thresholds.age + AFTER_AGE_S
    if keys.freshness is not None and keys.freshness < least:
        at.say(f"at least thresholds.age and {AFTER_AGE_S}s more: {least}s, got {keys.freshness}s", "freshness")
    if keys.retries == "body" and keys.ack != "stored":
        at.say("body needs ack: stored; a buffered tap cannot tell a retry", "retries")
    if "*" in keys.origins and not keys.public:
        text = '"*" is for public taps; this one asks for a token, so name the sites that hold one, like https://shop.acme.example'
        at.say(text, "origins", keys.origins.index("*"))


def write_grants(keys: TapKeys, at: At) -> tuple[Grant, ...]:
    """Who may write, each with its place."""
    grants = (grant if isinstance(grant, GrantKeys) else GrantKeys(to=grant) for grant in keys.grants.write)
    return tuple(Grant(grant.to, grant.until, at.mark("grants", "write", index)) for index, grant in enumerate(grants))


def read_grants(keys: TapKeys, at: At) -> tuple[ReadGrant, ...]:
    """Who may read, each with its place."""
    found = []
    for index, grant in enumerate(keys.grants.read):
        mark = at.mark("grants", "read", index)
        if isinstance(grant, str):
            found.append(ReadGrant("to", grant, mark))
        elif grant.role is not None:
            found.append(ReadGrant("role", grant.role, mark))
        else:
            found.append(ReadGrant("account", str(grant.account), mark))
    return tuple(found)
