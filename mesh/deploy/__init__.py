"""`taps.yaml` -> resources, for a mesh's Pulumi program. Not built yet: it checks the mesh, says so and ends before any resource."""

import sys
from pathlib import Path
from typing import NoReturn

from mesh.spec import load


def deploy(file: Path) -> NoReturn:
    """Ends `pulumi up` with the mesh's problems, or with what to do instead."""
    lines = [problem.line(Path.cwd()) for problem in load(file).problems]
    sys.exit("\n".join([*lines, "tapmesh cannot deploy to AWS yet; `tapmesh dev` runs this mesh on your laptop"]))
