"""Whether a laptop mesh runs on a folder, and where it answers."""

import fcntl
from pathlib import Path

from mesh.local.workspace import Workspace, beside

DEFAULT_URL = "http://127.0.0.1:8900"


def announce(workspace: Workspace, url: str) -> None:
    """Leaves the address for other commands; the caller holds the workspace's lock."""
    (workspace.root / "url").write_text(url)


def running_url(file: Path) -> str | None:
    """The address of the mesh that runs on this file's folder, or None. A lock that is held is what says that it runs."""
    root = beside(file).root
    try:
        with (root / "server.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return (root / "url").read_text() if (root / "url").is_file() else DEFAULT_URL
    except OSError:
        return None
    return None
