"""The tap master secret of the mesh's BoilingData owner: a laptop has it in a file of mode 0600 or its environment, a stack as a secret."""

import json
from pathlib import Path

from mesh.grants.private import read_private
from tap_runtime.settings import BOILINGDATA_SECRET, environment

_SHORTEST = 16
HOW = "bdcli account tap-master-secret --disable-spinner | tapmesh keys boilingdata"


def secret_file(folder: Path) -> Path:
    """Where a laptop keeps it."""
    return folder / "boilingdata.secret"


def laptop_secret(folder: Path) -> str | None:
    """The environment's, else the file's, None where there is neither; raises ValueError in words, OSError."""
    given, file = environment(BOILINGDATA_SECRET), secret_file(folder)
    if given is not None:
        return read_secret(given)
    return read_secret(read_private(file)) if file.exists() else None


def read_secret(text: str) -> str:
    """The secret of a text that is it, or of what bdcli prints; raises ValueError, never with the text."""
    text = text.strip()
    try:
        said = json.loads(text)
    except ValueError:
        said = None
    if isinstance(said, dict):
        text = str(said.get("bdTapMasterSecret") or "")
    if len(text) < _SHORTEST:
        raise ValueError(f"expected a tap master secret of {_SHORTEST} characters or more: {HOW}")
    return text
