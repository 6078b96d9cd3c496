"""`tapmesh init`: a small mesh that works, in a folder of its own. The files are those of mesh/starter."""

import json
import re
import shlex
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated

import typer

from mesh.cli.installed import requirement
from mesh.cli.options import Json
from mesh.cli.say import data, fail, note

NAME = "init"
EXAMPLES = {
    "tapmesh init shop": "in a new folder, shop",
    "tapmesh init shop-data --name shop": "with a name other than the folder's",
}
_ALLOWED = "a-z, then a-z, 0-9 and -, at most 15 characters"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,14}")


def run(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder, made when it is not there.")] = Path(),
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="The mesh's name; else the folder's.")] = None,
    as_json: Json = False,
) -> None:
    """Write a small working mesh: taps.yaml, its SQL with a case that tests it, and the Pulumi program. Nothing is overwritten."""
    written = {Path(path): text for path, text in _starter(files("mesh") / "starter")}
    words = {"MESH": _mesh_name(folder, name), "TAPMESH": requirement()}
    there = sorted(str(path) for path in written if (folder / path).exists())
    if there:
        fail(f"{folder} has {', '.join(there)} already; nothing was written", "name an empty folder: tapmesh init my-mesh")
    for path, text in written.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(re.sub(r"\b(TAPMESH|MESH)\b", lambda match: words[match[0]], text))
    if as_json:
        data(json.dumps({"mesh": words["MESH"], "folder": str(folder.resolve()), "files": sorted(map(str, written))}))
        return
    note(f"{words['MESH']}: {len(written)} files in {folder.resolve()}")
    if words["MESH"] not in (name, folder.resolve().name):
        note(f"the mesh is named {words['MESH']}: a mesh's name is {_ALLOWED}; --name gives it another, or taps.yaml and Pulumi.yaml do")
    if words["TAPMESH"].startswith("#"):
        note("requirements.txt names a folder of this machine; it says what to put there before it goes to another one")
    note(f"next: {'' if folder == Path() else f'cd {shlex.quote(str(folder))} && '}tapmesh dev")


def _starter(folder: Traversable, prefix: str = "") -> list[tuple[str, str]]:
    found = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _starter(entry, f"{prefix}{entry.name}/") if entry.name != "__pycache__" else []
        else:
            found.append((f"{prefix}{'.gitignore' if entry.name == 'gitignore' else entry.name}", entry.read_text()))
    return found


def _mesh_name(folder: Path, name: str | None) -> str:
    if name is not None and not _NAME.fullmatch(name):
        fail(f"--name {name}: not a mesh's name", _ALLOWED)
    found = name or re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-0123456789")[:15].strip("-")
    return found if _NAME.fullmatch(found) else "mesh"
