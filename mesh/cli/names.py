"""The names in a `taps.yaml`, for completion and hints: read in a few milliseconds, not checked, whatever else is wrong."""

from pathlib import Path
from typing import Any

import typer
import yaml

from mesh.cli.options import TAPS_YAML


def names(file: Path, kind: str) -> list[str]:
    """Names of taps, people or teams in the file and what it includes; none where it cannot be read."""
    top = _read(file)
    patterns = [pattern for pattern in top.get("include") or () if isinstance(pattern, str)]
    try:
        parts = [top, *(_read(part) for pattern in patterns for part in sorted(file.parent.glob(pattern)))]
    except (ValueError, NotImplementedError, OSError):
        parts = [top]
    return [str(name) for part in parts if isinstance(part.get(kind), dict) for name in part[kind]]


def _read(file: Path) -> dict[str, Any]:
    try:
        value = yaml.load(file.read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def complete_taps(context: typer.Context) -> list[str]:
    """Taps of the file that --file named so far."""
    return names(context.params.get("file") or TAPS_YAML, "taps")


def complete_people(context: typer.Context) -> list[str]:
    """People of the file that --file named so far."""
    return names(context.params.get("file") or TAPS_YAML, "people")
