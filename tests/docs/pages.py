"""The pages, and what in them claims to be true: fenced blocks by language, and every command that is shown."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from mesh.cli import kit
from mesh.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
_TOP = {"--help", "--debug", "--install-completion", "--show-completion"}


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: Path
    language: str
    text: str


def blocks(language: str) -> list[Block]:
    """All blocks of all pages in that language."""
    found = []
    for page in PAGES:
        for fence in re.finditer(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE):
            found.append(Block(page, fence[1], fence[2]))
    return [block for block in found if block.language == language]


def commands(text: str) -> list[str]:
    """Every `tapmesh …` of a page, from its sh blocks and its inline code."""
    fenced = re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    code = [line for block in fenced for line in block.splitlines() if not line.startswith("#")]
    code += re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE))
    return [found for line in code for found in re.findall(r"\btapmesh( [^|&;)]*)?", line.partition("  #")[0])]


def faults(command: str) -> list[str]:
    """What of a shown command does not exist: the command or an option."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    options = [word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)]
    named = [word for word in words if re.fullmatch(r"[a-z][a-z-]*", word)]
    if not words or words[0] in ("COMMAND", "…") or words[0].startswith("-"):
        return [option for option in options if option not in _TOP]
    if words[0] not in COMMANDS:
        return [words[0]] if named[:1] == words[:1] else []
    command = COMMANDS[words[0]]
    if words[0] == kit.NAME:
        kind = next(iter(named[1:]), "")
        command = command.get_command(None, kind) or command
        if kind and kind not in kit.kinds():
            return [kind]
    known = {option for param in command.params for option in (*param.opts, *param.secondary_opts)} | {"--help"}
    return [option for option in options if option not in known]
