"""Files and folders that this user may not read or write: one line with the path and the next step, from every command."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import ENVIRONMENT, TAPMESH, TAPS
from tests.local.conftest import free_port

HINT = "hint: use a folder that is yours, or have its owner let you read and write it (ls -ld shows who that is)"
Deny = Callable[[str, int], None]


@pytest.fixture
def denied(here: Path) -> Iterator[Deny]:
    """Changes the mode of a file or folder below `here`; root without its right to pass modes over is a user like any other."""
    (here / "taps.yaml").write_text(TAPS)
    changed = []

    def change(name: str, mode: int) -> None:
        path = here / name
        if name.startswith(".mesh"):
            path.mkdir(parents=True, exist_ok=True)
        path.chmod(mode)
        changed.append(path)

    yield change
    for path in changed:
        path.chmod(0o755)


def tapmesh(*words: str) -> tuple[int, str]:
    """Exit code and stderr, as a user who owns what is there and nothing else."""
    plain = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"] if os.geteuid() == 0 else []
    assert plain == [] or shutil.which("setpriv")
    done = subprocess.run([*plain, TAPMESH, *words], env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stderr


COMMANDS = {
    # what is denied, its mode, the command -> whose path is named
    ("taps.yaml", 0o000, "check"): "taps.yaml",
    ("taps.yaml", 0o000, "token --as lead --tap orders"): "taps.yaml",
    ("taps.yaml", 0o000, "dev"): "taps.yaml",
    ("taps.yaml", 0o000, "status"): "taps.yaml",
    (".", 0o555, "dev"): ".mesh",
    (".", 0o555, "token --as lead --tap orders"): ".mesh",
    (".", 0o555, "build"): ".mesh",
    (".", 0o555, "init shop"): "shop",
    (".mesh", 0o555, "dev"): ".mesh/server.lock",
    (".mesh", 0o555, "build"): ".mesh/build",
    (".mesh/lake", 0o555, "dev"): ".mesh/lake",
    (".mesh/spool", 0o555, "dev"): ".mesh/spool",
    (".mesh/lake", 0o000, "status"): ".mesh/lake",
    (".mesh/lake", 0o000, "query 'from clicks'"): ".mesh/lake",
    (".mesh", 0o000, "status"): ".mesh/lake",
}


@pytest.mark.parametrize(("what", "mode", "command"), COMMANDS, ids=lambda value: str(value))
def test_what_is_denied_is_named_with_the_next_step(here: Path, denied: Deny, what: str, mode: int, command: str) -> None:
    denied(what, mode)
    words = [*shlex.split(command), *(("--port", str(free_port())) if command == "dev" else ())]
    code, err = tapmesh(*words)
    path, _, rest = err.removeprefix("error: ").partition(": ")
    assert (code, rest.splitlines()) == (1, ["Permission denied", HINT])
    assert here / path == here / COMMANDS[what, mode, command]


def test_another_owners_folder_is_one_of_them(here: Path, denied: Deny) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root for: chown")
    denied(".mesh", 0o700)
    os.chown(here / ".mesh", 65534, 65534)
    assert tapmesh("dev", "--port", str(free_port())) == (1, f"error: {here}/.mesh/server.lock: Permission denied\n{HINT}\n")


def test_a_folder_named_taps_yaml_is_told(here: Path, denied: Deny) -> None:
    (here / "taps.yaml").unlink()
    (here / "taps.yaml").mkdir()
    for command in ("check", "dev", "plan", "status"):
        assert tapmesh(command) == (2, "error: taps.yaml is a folder\nhint: name the file: --file PATH\n")
