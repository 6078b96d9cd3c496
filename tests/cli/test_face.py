"""Help, completion, colours, and what `tapmesh` alone says in each kind of folder."""

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from mesh.cli import kit
from mesh.cli.app import COMMANDS
from mesh.cli.epilog import EXIT_CODES
from tests.cli.conftest import ENVIRONMENT, TAPS, Ask, on_a_terminal
from tests.local.conftest import RunningMesh

HELPED = {command.NAME: command.EXAMPLES for command in [*COMMANDS, kit]} | {
    f"kit {kind}": kit.command(kind).EXAMPLES for kind in kit.kinds()
}


@pytest.mark.parametrize("words", HELPED)
def test_help_has_examples_and_exit_codes(ask: Ask, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERMINAL_WIDTH", "200")
    said = ask(*words.split(), "--help")
    assert said.code == 0
    text = re.sub(r"\s+", " ", said.out)
    assert all(re.sub(r"\s+", " ", example) in text for example in HELPED[words])
    assert all(f"{code} {meaning}" in text for code, meaning in EXIT_CODES.items())


def test_every_command_that_reads_a_mesh_takes_file_and_scripts_get_json() -> None:
    options = {command.NAME: " ".join(map(str, command.run.__annotations__)) for command in COMMANDS}
    assert {name for name, taken in options.items() if "file" not in taken} == {"init", "build"}
    assert {name for name, taken in options.items() if "as_json" not in taken} == {"dev", "query", "schema"}


def test_no_command_pays_for_importing_a_kit() -> None:
    program = "import sys, mesh.cli.app; print([name for name in sys.modules if name.startswith('mesh.kits.') and name.count('.') > 2])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_colours_are_for_terminals_and_not_with_no_color(here: Path, ask: Ask) -> None:
    assert b"\x1b[31merror:" in on_a_terminal(here, "check", TERM="xterm-256color")
    plain = on_a_terminal(here, "check", TERM="xterm-256color", NO_COLOR="1")
    assert b"error: taps.yaml: no such file" in plain
    assert b"\x1b" not in plain
    assert all(b"\x1b" not in on_a_terminal(here, *words, TERM="xterm-256color", NO_COLOR="1") for words in ((), ("check", "--help")))
    assert b"\x1b[1mtapmesh init" in on_a_terminal(here, TERM="xterm-256color")
    assert "\x1b" not in ask("check").err


def test_the_version_is_that_of_the_package(ask: Ask) -> None:
    assert ask("--version").out == f"tapmesh {version('tapmesh')}\n"


def completed(folder: Path, line: str) -> list[str]:
    """What bash offers after `line`, by the script that --show-completion prints."""
    script = f"""
    source <(_TAPMESH_COMPLETE=source_bash tapmesh)
    COMP_WORDS=({line} ''); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
    _tapmesh_completion tapmesh
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes_commands_and_the_names_of_the_mesh(here: Path) -> None:
    (here / "taps.yaml").write_text(TAPS + "include: [more/*.yaml]\nunknown: key\n")
    (here / "more").mkdir()
    (here / "more" / "taps.yaml").write_text("taps: {returns: {}}\npeople: {analyst: {}}\n")
    assert completed(here, "tapmesh") == [*(command.NAME for command in COMMANDS), "kit"]
    assert completed(here, "tapmesh kit") == kit.kinds()
    assert completed(here, "tapmesh send - --to") == ["clicks", "orders", "returns"]
    assert completed(here, "tapmesh token --as") == ["lead", "partner", "analyst"]
    (here / "other.yaml").write_text("taps: {elsewhere: {}}")
    assert completed(here, "tapmesh token --file other.yaml --tap") == ["elsewhere"]
    (here / "taps.yaml").write_text("taps: [")
    assert completed(here, "tapmesh send - --to") == []


def test_show_completion_prints_a_script_for_the_shell_it_is_run_in(here: Path) -> None:
    command = ["bash", "-c", "tapmesh --show-completion; exit $?"]
    shown = subprocess.run(command, cwd=here, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
    assert (shown.returncode, "complete -o default -F _tapmesh_completion tapmesh" in shown.stdout) == (0, True)


def test_alone_it_offers_init_where_there_is_no_mesh(here: Path, ask: Ask) -> None:
    said = ask()
    assert said.code == 0
    assert "There is no taps.yaml in this folder." in said.out
    assert "tapmesh init my-mesh" in said.out


def test_alone_it_shows_the_first_problem_and_offers_check(here: Path, ask: Ask) -> None:
    (here / "taps.yaml").write_text(TAPS.replace("version: 1", "version: 2").replace("mesh: test", "mesh: T"))
    said = ask()
    assert "taps.yaml:2:1 version: expected 1, got 2\n… and 1 more" in said.out
    assert "tapmesh check" in said.out


def test_alone_it_offers_dev_for_a_mesh_that_does_not_run(here: Path, ask: Ask) -> None:
    (here / "taps.yaml").write_text(TAPS)
    said = ask()
    assert "taps.yaml is fine: the mesh test. It is not running." in said.out
    assert "tapmesh dev" in said.out
    assert list(here.iterdir()) == [here / "taps.yaml"]


def test_alone_it_offers_send_and_query_for_a_mesh_that_runs(served: RunningMesh, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(served.folder)
    said = ask()
    assert f"The mesh test runs at http://127.0.0.1:{served.port}/" in said.out
    assert "tapmesh send data.ndjson --to clicks" in said.out
    assert 'tapmesh query "select * from clicks limit 10"' in said.out
    assert "TAP_TOKEN" not in said.out  # clicks is public
