"""From `--to` and the environment to a `TapClient`: where the tap is, and the token for it."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from mesh.cli.laptop import DEFAULT_URL, running_url
from mesh.cli.names import complete_taps, names
from mesh.cli.options import TAPS_YAML, existing
from mesh.cli.say import fail, note
from mesh.client import TapClient
from mesh.faults import SendFailed
from mesh.token import TokenSource, expiry_s
from tap_runtime.settings import environment

To = Annotated[str, typer.Option("--to", metavar="TAP", help="The tap.", autocompletion=complete_taps)]
Url = Annotated[str | None, typer.Option("--url", metavar="URL", help="The tap's URL; else TAPMESH_URL_<TAP>, else the laptop mesh's.")]
_MAKE = "tapmesh token --as NAME --tap {}"
_COMMAND_S = 60


def connect(to: str, url: str | None, file: Path, tries: int | None, stopped: Callable[[float], bool]) -> TapClient:
    """The tap's client; ends the command when address or token cannot be right."""
    address = tap_url(to, url, file)
    try:
        return TapClient(address, _token_source(), tries, note, stopped)
    except SendFailed as wrong:
        fail(str(wrong), wrong.hint)


def tap_url(to: str, url: str | None, file: Path, option: str = "--to") -> str:
    """`option` named the tap. Ends the command where there is no such tap, or its URL is none."""
    if found := url or environment(f"TAPMESH_URL_{to.upper()}"):
        if not _is_address(found):
            fail(f"{found} is not a tap's URL", f"like {DEFAULT_URL}/taps/{to}")
        return found
    if file != TAPS_YAML:
        existing(file)
    known = names(file, "taps")
    if known and to not in known:
        from mesh.spec.problems import did_you_mean

        fail(f"{option} {to}: no such tap in {file}", f"--url names a tap of another mesh; {did_you_mean(to, known)}")
    return f"{running_url(file) or DEFAULT_URL}/taps/{to}"


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def advice(failed: SendFailed, to: str, lasting: bool = False) -> str:
    """The tap's own hint is for curl: without any token, how to set one here; `lasting` if it is to outlive one token."""
    if failed.status != 401 or environment("TAP_TOKEN") or environment("TAP_TOKEN_COMMAND"):
        return failed.hint
    make = _MAKE.format(to)
    return f"export TAP_TOKEN=$({make})" + (f"; to outlive that token: export TAP_TOKEN_COMMAND='{make}'" if lasting else "")


def _token_source() -> TokenSource:
    """TAP_TOKEN_COMMAND's output, a new one each time; else TAP_TOKEN; else none, for a public tap."""
    if command := environment("TAP_TOKEN_COMMAND"):
        return lambda: _checked(_output(command), "the output of TAP_TOKEN_COMMAND", for_good=False)
    token = environment("TAP_TOKEN")
    return lambda: None if token is None else _checked(token, "TAP_TOKEN")


def _output(command: str) -> str:
    try:
        done = subprocess.run(command, shell=True, capture_output=True, text=True, errors="replace", timeout=_COMMAND_S)
    except subprocess.TimeoutExpired:
        raise SendFailed(f"TAP_TOKEN_COMMAND took longer than {_COMMAND_S} s", "run it by hand to see why", for_good=False) from None
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()[:1]
        raise SendFailed(f"TAP_TOKEN_COMMAND ended with {done.returncode}: {''.join(said)}", "run it by hand to see why", for_good=False)
    return done.stdout


def _checked(token: str, name: str, for_good: bool = True) -> str:
    """A command may have better ones later: it may have read a file that was just being written."""
    token = token.strip()
    if not token:
        hint = f"export TAP_TOKEN=$({_MAKE.format('TAP')}); for a public tap: unset TAP_TOKEN"
        raise SendFailed(f"{name} is empty", hint, for_good=for_good)
    try:
        expiry_s(token)
    except ValueError:
        raise SendFailed(f"{name} is not a token", f"export TAP_TOKEN=$({_MAKE.format('TAP')})", for_good=for_good) from None
    return token
