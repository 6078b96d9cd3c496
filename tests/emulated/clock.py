"""A wall clock that can jump, for one environment alone: a library preloaded into its processes, and a file in its /tmp."""

import hashlib
import subprocess
import tempfile
from pathlib import Path

from tests.emulated.bring import cached, missing
from tests.emulated.environment import Environment

_SOURCE = Path(__file__).with_suffix(".c")


def preload() -> dict[str, str]:
    """The variables of a function whose clock can jump; the library is compiled once."""
    library = cached(f"clock-{hashlib.sha256(_SOURCE.read_bytes()).hexdigest()[:16]}.so")
    if not library.exists():
        library.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=library.parent) as folder:
            made = Path(folder) / library.name
            try:
                subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", str(made), str(_SOURCE)], check=True)
            except FileNotFoundError:
                missing("needs a C compiler: sudo apt-get install -y gcc libc6-dev")
            made.rename(library)
    return {"LD_PRELOAD": str(library)}


def jump(environment: Environment, seconds: int) -> None:
    """From now on its clock is so far ahead of ours; 0: right again. Raises OSError when it is gone, or its /tmp full."""
    file = environment.disk() / "clock"
    if seconds == 0:
        file.unlink(missing_ok=True)
    else:
        file.write_text(str(seconds))
