"""`tapmesh keys`: the keys that tokens are signed with, made, rotated and retired without a refused request."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mesh.cli.options import TAPS_YAML, File, Json, existing, laptop_keys, named_stack
from mesh.cli.say import data, fail, note, out
from mesh.local.workspace import beside

if TYPE_CHECKING:
    from mesh.grants.keys import Keyring

NAME = "keys"
EXAMPLES = {
    "tapmesh keys list": "the laptop mesh's keys, and which of them signs",
    "tapmesh keys new --stack prod": "1. taps get to know another key; prints the command for a stack, does it here without --stack",
    "tapmesh keys rotate --stack prod": "2. tokens are signed with the other key from now on",
    "tapmesh keys retire --stack prod": "3. once no token of the old key is in use, taps forget it",
    "tapmesh keys boilingdata < secret.json": "keeps the BoilingData owner's tap master secret, as text or as bdcli prints it",
}
SECRET, BOILINGDATA = "tapmesh:signing-key", "tapmesh:boilingdata-secret"
_NEXT = {
    "new": "next: once every tap knows it (a running laptop mesh within a second, a stack after pulumi up), tapmesh keys rotate",
    "rotate": "next: once the last token of the old key has ended, tapmesh keys retire",
    "retire": "tokens of the retired key are refused once taps have heard (a running laptop mesh within a second, a stack after pulumi up)",
}


class Doing(StrEnum):
    """What is done with the keys."""

    LIST = "list"
    NEW = "new"
    ROTATE = "rotate"
    RETIRE = "retire"
    BOILINGDATA = "boilingdata"


def run(
    action: Annotated[
        Doing,
        typer.Argument(metavar="ACTION", help="list, new, rotate or retire; boilingdata keeps its owner's tap master secret."),
    ],
    stack: Annotated[
        str | None, typer.Option("--stack", metavar="NAME", help="Print the command for this Pulumi stack instead of doing it here.")
    ] = None,
    piped: Annotated[
        bool, typer.Option("--stdin", metavar="", help="Take the keys from standard input, print them changed: for that command.")
    ] = False,
    file: File = TAPS_YAML,
    as_json: Json = False,
) -> None:
    """Make, rotate, retire and list the keys that tokens are signed with; at most two at a time."""
    if stack is not None:
        _command(action, stack)
    elif action is Doing.BOILINGDATA:
        _boilingdata(file)
    elif piped:
        _piped(action, as_json)
    else:
        _laptop(action, file, as_json)


def _laptop(action: Doing, file: File, as_json: bool) -> None:
    from mesh.grants.keys import laptop_file
    from mesh.grants.private import write_private

    folder = beside(existing(file)).keys
    is_first = not laptop_file(folder).exists()
    keyring = laptop_keys(file)
    if action is Doing.LIST or (action is Doing.NEW and is_first):
        _show(keyring, as_json)
        return
    changed = _changed(keyring, action)
    write_private(laptop_file(folder), changed.pem())
    _show(changed, as_json)
    note(_NEXT[action])


def _boilingdata(file: Path) -> None:
    from mesh.grants.boilingdata import read_secret, secret_file
    from mesh.grants.private import write_private

    kept = secret_file(beside(existing(file)).keys)
    try:
        write_private(kept, read_secret(sys.stdin.read()))
    except ValueError as bad:
        fail(str(bad))
    note(f"kept in {kept}, for nobody else to read; a running mesh takes it within a second")


def _piped(action: Doing, as_json: bool) -> None:
    from mesh.grants.keys import BadKeys, new_keyring, read_keyring

    given = sys.stdin.read()
    try:
        if action is Doing.NEW and not given.strip():
            data(new_keyring().pem().rstrip())
        elif action is Doing.LIST:
            _show(read_keyring(given), as_json)
        else:
            data(_changed(read_keyring(given), action).pem().rstrip())
    except BadKeys as bad:
        fail(str(bad))


def _changed(keyring: Keyring, action: Doing) -> Keyring:
    from mesh.grants.keys import BadKeys

    try:
        return {Doing.NEW: keyring.added, Doing.ROTATE: keyring.rotated, Doing.RETIRE: keyring.retired}[action]()
    except BadKeys as bad:
        fail(str(bad))


def _show(keyring: Keyring, as_json: bool) -> None:
    rows = [{"kid": key.kid, "signs": key == keyring.signing, "public": key.public().public} for key in keyring.keys]
    if as_json:
        data(json.dumps(rows))
        return
    for row in rows:
        out.print(f"{row['kid']}  {'signs' if row['signs'] else 'known'}  {row['public']}", soft_wrap=True)


def _command(action: Doing, stack: str) -> None:
    """The keys go from command to command within the shell; no process has them among its arguments."""
    named_stack(stack)
    if action is Doing.BOILINGDATA:
        data(f"bdcli account tap-master-secret --disable-spinner | pulumi config set --secret {BOILINGDATA} --stack {stack}")
        return
    get = f"pulumi config get {SECRET} --stack {stack} | tapmesh keys {action} --stdin"
    if action is Doing.LIST:
        data(get)
        return
    put = f"printf '%s\\n' \"$KEYS\" | pulumi config set --secret {SECRET} --stack {stack}"
    data(f"KEYS=$(set -o pipefail; {get}) && {put} && pulumi up --stack {stack}")
    if action is Doing.NEW:
        note(f"a stack's first key: tapmesh keys new --stdin < /dev/null | pulumi config set --secret {SECRET} --stack {stack}")
    note(_NEXT[action])
