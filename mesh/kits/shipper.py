"""Kits that are another program's configuration: a file with @NAMES@ in it, printed ready to use."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from mesh.cli.connect import Url, tap_url
from mesh.cli.names import complete_taps
from mesh.cli.options import TAPS_YAML, File
from mesh.cli.say import data

Tap = Annotated[str, typer.Option("--tap", metavar="TAP", help="The tap.", autocompletion=complete_taps)]
TokenFile = Annotated[Path, typer.Option("--token-file", metavar="PATH", help="The file with the sender's token.")]
_TOKEN_FILE = Path("/etc/tapmesh/token")


def printing(template: Path, about: str, check: Callable[[str, Path], None] = lambda tap, file: None) -> Callable[..., None]:
    """The command that prints `template`; `about` is its help, `check` looks at the tap in the mesh's file."""

    def run(tap: Tap, token_file: TokenFile = _TOKEN_FILE, url: Url = None, file: File = TAPS_YAML) -> None:
        data(filled(template.read_text(), tap, tap_url(tap, url, file, "--tap"), token_file.absolute()).rstrip("\n"))
        check(tap, file)

    run.__doc__ = about
    return run


def filled(text: str, tap: str, url: str, token_file: Path) -> str:
    """The text for one tap."""
    parts = urlsplit(url)
    values = {
        "@TAP@": tap,
        "@URL@": url,
        "@HOST@": parts.hostname or "",
        "@PORT@": str(parts.port or (443 if parts.scheme == "https" else 80)),
        "@URI@": parts.path or "/",
        "@TLS@": "on" if parts.scheme == "https" else "off",
        "@TOKEN_FILE@": str(token_file),
        "@TAPMESH@": str(Path(shutil.which(sys.argv[0]) or sys.argv[0]).absolute()),
    }
    for name, value in values.items():
        text = text.replace(name, value)
    return text
