"""Lambda's Python on this machine, if it has it."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from mesh.package.wheels import PYTHON

LACKING = f"needs Linux and Python {PYTHON}: pyenv install {PYTHON}, or uv python install {PYTHON}"


@cache
def lambda_python() -> Path | None:
    """The interpreter itself, not pyenv's shim, which is there without the version."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob(f"versions/{PYTHON}*/bin/python{PYTHON}")
    uv = (Path.home() / ".local/share/uv/python").glob(f"cpython-{PYTHON}*/bin/python{PYTHON}")
    for candidate in [*sorted(pyenv), *sorted(uv), shutil.which(f"python{PYTHON}")]:
        told = candidate and subprocess.run([candidate, "-c", "import sys; print(sys.executable)"], capture_output=True, text=True)
        if told and not told.returncode:
            return Path(told.stdout.strip()).resolve()
    return None
