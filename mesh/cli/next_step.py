"""`tapmesh` alone: what to do next, given the folder it stands in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesh.cli.laptop import running_url
from mesh.cli.options import TAPS_YAML, lines
from mesh.cli.say import data, out

if TYPE_CHECKING:
    from mesh.spec.mesh import Mesh

_MORE = ("tapmesh --help", "every command")


def tell() -> None:
    """Says how things stand and which commands fit."""
    if not TAPS_YAML.exists():
        _show("There is no taps.yaml in this folder.", [("tapmesh init my-mesh", "a small working mesh in a new folder"), _MORE])
        return
    from mesh.spec import load

    checked = load(TAPS_YAML)
    if checked.mesh is None:
        first, *others = lines(checked.problems)
        more = f"\n… and {len(others)} more" if others else ""
        _show(f"taps.yaml has problems:\n{first}{more}", [("tapmesh check", "all problems, each with its place"), _MORE])
    elif (url := running_url(TAPS_YAML)) is None:
        count = len(checked.mesh.taps)
        steps = [
            ("tapmesh dev", f"run its {count} tap{'s' if count != 1 else ''} on this machine"),
            ("tapmesh status", "what has landed"),
            _MORE,
        ]
        _show(f"taps.yaml is fine: the mesh {checked.mesh.name}. It is not running.", steps)
    else:
        _show(
            f"The mesh {checked.mesh.name} runs at {url}/",
            [*_use(checked.mesh), ("tapmesh status", "what is open, landed, quarantined"), _MORE],
        )


def _use(mesh: Mesh) -> list[tuple[str, str]]:
    """Commands for the first tap that takes records."""
    from mesh.grants.writers import writers

    tap = next((tap for tap in mesh.taps.values() if not tap.closed), None)
    if tap is None:
        return []
    people = [] if tap.public else [writer.person for writer in writers(mesh, tap)]
    token = [(f"export TAP_TOKEN=$(tapmesh token --as {people[0]} --tap {tap.name})", "who sends")] if people else []
    return [
        *token,
        (f"tapmesh send data.ndjson --to {tap.name}", "records, one JSON object a line"),
        (f'tapmesh query "select * from {tap.name} limit 10"', f"what has landed, {tap.age_s} s after it came"),
    ]


def _show(state: str, steps: list[tuple[str, str]]) -> None:
    data(state)
    data("")
    width = max(len(command) for command, _ in steps)
    for command, does in steps:
        out.print(f"  [bold]{command.ljust(width).replace('[', chr(92) + '[')}[/bold]  {does}", soft_wrap=True)
