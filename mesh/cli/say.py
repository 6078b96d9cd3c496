"""How the command line speaks: one shape for errors, colours only on a terminal."""

from typing import NoReturn

import typer
from rich.console import Console

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def fail(what: str, hint: str = "", code: int = 2) -> NoReturn:
    """Says what is wrong and what to do, and ends."""
    err.print(f"[red]error:[/red] {_plain(what)}")
    if hint:
        err.print(_plain(hint))
    raise SystemExit(code)


def warn(text: str) -> None:
    """A line that does not stop anything."""
    err.print(f"[yellow]warning:[/yellow] {_plain(text)}")


def note(text: str) -> None:
    """Progress for people, on stderr."""
    err.print(_plain(text), soft_wrap=True)


def _plain(text: str) -> str:
    return text.replace("[", "\\[")


def data(text: str) -> None:
    """A line of output for scripts, as it is."""
    typer.echo(text)
