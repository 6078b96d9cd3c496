"""The Pulumi program. Deploying is not built yet: it checks the mesh and says so, before any resource is registered."""

import sys
from pathlib import Path

from mesh.spec import load

checked = load(Path("taps.yaml"))
lines = [problem.line(Path.cwd()) for problem in checked.problems]
sys.exit("\n".join([*lines, "tapmesh cannot deploy to AWS yet; `make dev` runs this mesh on your laptop"]))
