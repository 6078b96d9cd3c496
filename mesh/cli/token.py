"""`tapmesh token`: a token for a person and taps, printed alone; or what a token is good for."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mesh.cli.names import complete_people, complete_taps
from mesh.cli.options import TAPS_YAML, File, Json, laptop_keys, loaded, named_stack
from mesh.cli.say import data, err, fail, warn
from mesh.local.workspace import STACK, beside

if TYPE_CHECKING:
    from mesh.grants.keys import Keyring
    from mesh.spec.mesh import Mesh, Tap

NAME = "token"
EXAMPLES = {
    "export TAP_TOKEN=$(tapmesh token --as lead --tap clicks)": "for curl and tapmesh send, good for 24 hours",
    "tapmesh token --as lead --tap clicks --tap logs --for 30m": "two taps, half an hour",
    'printf %s "$TAP_TOKEN" | tapmesh token --inspect': "who it is of, until when, and what each tap would answer",
}


def run(
    text: Annotated[str | None, typer.Argument(metavar="[TOKEN]", help="With --inspect: the token; else standard input.")] = None,
    person: Annotated[str | None, typer.Option("--as", metavar="NAME", help="A name in people.", autocompletion=complete_people)] = None,
    tap: Annotated[
        list[str] | None,
        typer.Option("--tap", metavar="TAP", help="The tap it is for; may be repeated.", autocompletion=complete_taps),
    ] = None,
    lifetime: Annotated[str, typer.Option("--for", metavar="DURATION", help="How long it is good, like 30m, 24h or 7d.")] = "24h",
    inspected: Annotated[
        bool, typer.Option("--inspect", metavar="", help="Explain a token instead of making one; exit 1 if refused.")
    ] = False,
    stack: Annotated[str, typer.Option("--stack", metavar="NAME", help="The Pulumi stack it is for; needs --keys.")] = STACK,
    keys: Annotated[str | None, typer.Option("--keys", metavar="FILE", help="A stack's private keys, - for standard input.")] = None,
    file: File = TAPS_YAML,
    as_json: Json = False,
) -> None:
    """Print a token, alone, for a shell variable; or explain one. For the laptop mesh, unless --stack says otherwise."""
    from mesh.grants.tokens import issue
    from mesh.plan import issuer

    mesh = loaded(file, lambda line: err.print(line, markup=False, soft_wrap=True))
    if inspected:
        _inspect(text, mesh, _keyring(stack, keys, file), stack, tap or [], file, as_json)
        return
    for given, option in ((person, "--as"), (tap, "--tap")):
        if not given:
            fail(f"missing option '{option}'", "tapmesh token --help shows what it takes")
    who, taps, now = str(person), tap or [], dt.datetime.now(dt.UTC)
    good_for = _lifetime(lifetime, mesh)
    _check(mesh, who, taps, now)
    token = issue(_keyring(stack, keys, file).signing, issuer(mesh, named_stack(stack).name), who, taps, good_for, now)
    expires = (now + good_for).isoformat(timespec="seconds")
    data(json.dumps({"token": token, "person": who, "taps": taps, "expires_at": expires}) if as_json else token)


def _check(mesh: Mesh, person: str, taps: list[str], now: dt.datetime) -> None:
    """Ends the command for names that are nobody's, warns of taps that would not take the token."""
    from mesh.grants.writers import writers
    from mesh.spec.problems import did_you_mean

    if person not in mesh.people:
        team = f"; {person} is a team, and a token is a person's" if person in mesh.teams else ""
        fail(f"--as {person}: not in people{team}", did_you_mean(person, mesh.people))
    for name in taps:
        if name not in mesh.taps:
            fail(f"--tap {name}: no such tap", did_you_mean(name, mesh.taps))
        _warn(person, mesh.taps[name], {writer.person: writer.until for writer in writers(mesh, mesh.taps[name])}, now)


def _lifetime(text: str, mesh: Mesh) -> dt.timedelta:
    from mesh.spec.units import duration, written

    try:
        lifetime_s = duration(text)
    except ValueError:
        fail(f"--for {text}: not a duration", "a number and s, m, h or d, like 30m, 24h or 7d")
    if lifetime_s > mesh.longest_token_s:
        fail(
            f"--for {text}: longer than this mesh lets a token live",
            f"at most {written(mesh.longest_token_s)}, as tokens.longest in taps.yaml says",
        )
    return dt.timedelta(seconds=lifetime_s)


def _keyring(stack: str, keys: str | None, file: Path) -> Keyring:
    """The laptop's, or the stack's as it was given."""
    from mesh.grants.keys import BadKeys, read_keyring

    if (stack == STACK) != (keys is None):
        fail("--stack and --keys go together", "pulumi config get tapmesh:signing-key | tapmesh token --stack NAME --keys - …")
    if keys is None:
        return laptop_keys(file)
    try:
        return read_keyring(sys.stdin.read() if keys == "-" else Path(keys).read_text())
    except (BadKeys, UnicodeDecodeError):
        fail(f"--keys {keys}: not private keys", "the stack's, as pulumi config get tapmesh:signing-key prints them")
    except OSError as error:
        fail(f"--keys {keys}: {error.strerror}", "name a file, or - for standard input")


def _inspect(text: str | None, mesh: Mesh, keyring: Keyring, stack: str, taps: list[str], file: Path, as_json: bool) -> None:
    from mesh.cli import inspect
    from mesh.plan import expand
    from tap_runtime.token import BadToken

    plans = {plan.name: plan for plan in expand(mesh, named_stack(stack, keyring.public())).taps}
    now = dt.datetime.now(dt.UTC)
    try:
        token, verdicts = inspect.inspect((text or sys.stdin.read()).strip(), plans, taps, _secret(file), now)
    except BadToken as bad:
        fail(
            f"the token would not be accepted: {bad}",
            "a token is three parts in base64url with a dot between, as tapmesh token prints it",
            1,
        )
    if as_json:
        data(json.dumps(inspect.as_json(token, verdicts)))
    else:
        data("\n".join(inspect.lines(token, verdicts, now)))
    if not inspect.is_good(token, verdicts):
        raise SystemExit(1)


def _secret(file: Path) -> str | None:
    from mesh.grants.boilingdata import laptop_secret

    try:
        return laptop_secret(beside(file).keys)
    except (ValueError, OSError) as bad:
        warn(f"no BoilingData token can be checked: {bad}")
        return None


def _warn(person: str, tap: Tap, until: dict[str, str | None], now: dt.datetime) -> None:
    """Of a token that does nothing for this tap."""
    refused = f"it would answer 403 (taps.{tap.name}.grants.write)"
    if tap.closed or tap.public:
        warn(f"{tap.name} is closed: it takes nothing" if tap.closed else f"{tap.name} is public: it asks for no token")
    elif person not in until:
        warn(f"{person} is not granted to write to {tap.name}: {refused}")
    elif (last := until[person]) is not None and last < now.date().isoformat():
        warn(f"the grant of {person} to write to {tap.name} ended with {last}: {refused}")
