"""How the tapmesh that runs here was installed, as a line of requirements.txt that installs the same elsewhere."""

import json
import re
import subprocess
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

_ONLY_HERE = """\
# {url} is a folder of this machine. Before this file goes to another one, put
# there the repository and commit to take instead: tapmesh @ git+https://git.example.org/acme/tapmesh.git@<commit>
tapmesh @ {url}"""
_CODE = ("mesh", "tap_runtime", "pyproject.toml", "requirements.txt")


def requirement() -> str:
    """A version, a repository at a commit, or the folder it came from, with a comment that it is this machine's alone."""
    installed = distribution("tapmesh")
    origin = json.loads(installed.read_text("direct_url.json") or "{}")
    if "url" not in origin:
        return f"tapmesh=={installed.version}"
    if "vcs_info" in origin:
        vcs = origin["vcs_info"]
        return f"tapmesh @ {vcs['vcs']}+{origin['url']}@{vcs['commit_id']}"
    published = published_commit(Path(unquote(urlsplit(origin["url"]).path)))
    return _ONLY_HERE.format(url=origin["url"]) if published is None else f"tapmesh @ git+{published}"


def published_commit(clone: Path) -> str | None:
    """`<repository>@<commit>` of a clone whose code a remote elsewhere has, as far as the last fetch or push shows."""
    if _git(clone, "rev-parse", "--show-prefix") or _git(clone, "status", "--porcelain", "--", *_CODE):
        return None
    commit = _git(clone, "rev-parse", "HEAD")
    for branch in _git(clone, "branch", "--remotes", "--contains", "HEAD", "--format=%(refname:lstrip=2)").splitlines():
        url = _elsewhere(_git(clone, "config", f"remote.{branch.partition('/')[0]}.url"))
        if url is not None:
            return f"{url}@{commit}"
    return None


def _elsewhere(url: str) -> str | None:
    """A remote's URL as pip takes it, without who logs in there; None for a folder."""
    if (scp := re.fullmatch(r"([\w.-]+@[\w.-]+):(?!//)(.+)", url)) is not None:
        return f"ssh://{scp[1]}/{scp[2]}"
    found = re.fullmatch(r"(https?|ssh)://(?:([^@/]*)@)?([^/]+/.+)", url)
    if found is None:
        return None
    login = f"{found[2]}@" if found[1] == "ssh" and found[2] else ""
    return f"{found[1]}://{login}{found[3]}"


def _git(clone: Path, *words: str) -> str:
    """What git says; nothing where there is no git or no clone."""
    try:
        return subprocess.run(["git", "-C", str(clone), *words], capture_output=True, text=True, timeout=20).stdout.strip()
    except OSError:
        return ""
