"""`tapmesh dev`: the mesh on this machine."""

import contextlib
import datetime as dt
import logging
import socket
import sys
from typing import Annotated

import typer

from mesh.cli.laptop import announce
from mesh.cli.options import TAPS_YAML, File, laptop_keys, loaded, state
from mesh.cli.say import fail, note
from mesh.local.workspace import Busy, beside

NAME = "dev"
EXAMPLES = {"tapmesh dev": "taps.yaml in this folder", "tapmesh dev --port 8901 --file other/taps.yaml": "a second mesh at the same time"}
_CLOCK = "%H:%M:%S"


def run(
    file: File = TAPS_YAML,
    port: Annotated[int, typer.Option("--port", "-p", metavar="PORT", min=1, max=65535, help="Port on 127.0.0.1.")] = 8900,
) -> None:
    """Run the whole mesh on this machine, no account needed; Ctrl-C lands what is open."""
    import asyncio

    from mesh.local.dev import Dev
    from mesh.spec.units import written

    level = logging.DEBUG if state.debug else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", datefmt=_CLOCK)
    mesh = loaded(file)
    workspace = beside(file)
    try:
        workspace.lock("server")
    except Busy as busy:
        fail(str(busy), "stop it first, or use another folder", code=1)
    workspace.make()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            fail(f"port {port} cannot be used: {error.strerror}", "choose another: tapmesh dev --port 8901", code=1)
    announce(workspace, f"http://127.0.0.1:{port}")
    laptop_keys(file)
    server = Dev(file.resolve(), mesh, workspace, port, _log)
    note(f"{mesh.name} at http://127.0.0.1:{port}/  (lake: {workspace.lake})")
    for name, tap in mesh.taps.items():
        note(f"  http://127.0.0.1:{port}/taps/{name}  {tap.about or ''}")
    for name, source in mesh.sources.items():
        note(f"  {source.into} is not read into by itself here: tapmesh kit rest --source {name} --every {written(source.every_s)}")
    note("Ctrl-C lands what is open and stops")
    asyncio.run(server.run())


def _log(text: str) -> None:
    """Whoever read it may be gone, or its disk full: the mesh goes on, where Rich would end it."""
    with contextlib.suppress(OSError):
        print(f"{dt.datetime.now():{_CLOCK}} {text}", file=sys.stderr, flush=True)
