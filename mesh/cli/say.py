"""How the command line speaks: one shape for errors, colours only on a terminal (never with NO_COLOR)."""

from typing import Literal, NoReturn

import typer
from rich.console import Console
from rich.text import Text
from typer import rich_utils

from tap_runtime.settings import environment

_STYLES: Literal["auto"] | None = None if environment("NO_COLOR") else "auto"
out = Console(highlight=False, color_system=_STYLES)
err = Console(stderr=True, highlight=False, color_system=_STYLES)
rich_utils.COLOR_SYSTEM = _STYLES  # of --help


def fail(what: str, next_step: str = "", code: int = 2) -> NoReturn:
    """Says what is wrong and what to do, and ends: 2 the input is at fault, 1 it failed."""
    _line(err, "error:", "red", what)
    if next_step:
        hint(next_step)
    raise SystemExit(code)


def hint(text: str) -> None:
    """What to do next, or why something looks as it does."""
    _line(err, "hint:", "cyan", text)


def warn(text: str) -> None:
    """A line that does not stop anything."""
    _line(err, "warning:", "yellow", text)


def note(text: str) -> None:
    """Progress for people, on stderr."""
    err.print(Text(text), soft_wrap=True)


def data(text: str) -> None:
    """A line of output for scripts, as it is."""
    typer.echo(text)


def _line(console: Console, label: str, style: str, text: str) -> None:
    console.print(Text.assemble((label, style), " ", text), soft_wrap=True)
