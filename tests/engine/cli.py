"""The Pulumi command line: the one on PATH, else built once from its Go module and kept outside the checkout."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

from tests.emulated.bring import alone, cached, missing

VERSION = "v3.250.0"
_MODULE = "github.com/pulumi/pulumi/pkg/v3"
_GO_MOD = f"""module tapmesh/pulumi

go 1.25

require {_MODULE} {VERSION}

replace github.com/atotto/clipboard => github.com/tgummerer/clipboard v0.0.0-20241001131231-d02d263e614e
"""  # a module's own replacements do not count where it is required, so its one is repeated here
_STAMP = f"-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={VERSION}"


@cache
def pulumi() -> Path:
    """A folder with bin/pulumi, as the Automation API wants it named."""
    found = shutil.which("pulumi")
    if found and Path(found).parent.name == "bin":
        return Path(found).parent.parent
    folder = cached(f"pulumi@{VERSION}")
    with alone("pulumi"):
        if not folder.exists():
            _build(folder)
    return folder


def _build(folder: Path) -> None:
    """Into a folder beside, then renamed, so that it is never seen half made."""
    go = shutil.which("go") or missing("Pulumi is neither on PATH nor to be built: install it, or Go 1.25 or newer")
    folder.parent.mkdir(parents=True, exist_ok=True)
    flags = subprocess.run([go, "env", "GOFLAGS"], capture_output=True, text=True, check=True).stdout.strip()
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="pulumi-build-") as making:
        Path(making, "go.mod").write_text(_GO_MOD)
        _say(f"building Pulumi {VERSION} from its Go module, once; about three minutes on two idle cores")
        command = [go, "build", "-trimpath", "-ldflags", _STAMP, "-o", "new/bin/pulumi", f"{_MODULE}/cmd/pulumi"]
        with Path(making, "log").open("wb") as log:
            process = subprocess.Popen(command, cwd=making, env={**os.environ, "GOFLAGS": f"{flags} -mod=mod"}, stdout=log, stderr=log)
            _wait(process, Path(making, "log"))
        if process.returncode:
            missing(f"go build of Pulumi failed: {Path(making, 'log').read_text()[-1000:]}")
        Path(making, "new").rename(folder)


def _wait(process: subprocess.Popen[bytes], log: Path) -> None:
    began = time.monotonic()
    while process.poll() is None:
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            last = (log.read_text().splitlines() or ["compiling"])[-1]
            _say(f"still building after {time.monotonic() - began:.0f} s ({last})")


def _say(text: str) -> None:
    print(f"tests/engine: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    print(pulumi() / "bin" / "pulumi")
