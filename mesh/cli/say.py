"""How the command line speaks: one shape for errors, colours only on a terminal (never with NO_COLOR)."""

from typing import NoReturn

import typer
from rich.console import Console
from rich.text import Text

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def fail(what: str, hint: str = "", code: int = 2) -> NoReturn:
    """Says what is wrong and what to do, and ends: 2 the input is at fault, 1 it failed."""
    _line(err, "error:", "red", what)
    if hint:
        _line(err, "hint:", "cyan", hint)
    raise SystemExit(code)


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
