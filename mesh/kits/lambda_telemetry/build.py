"""The extension as a layer for each architecture: `make kits`."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from mesh.package.archive import stored, write_zip
from mesh.package.artefact import Artefact, named, summary
from mesh.package.cache import alone
from mesh.package.wheels import MACHINES, Arch, BuildFailed, Say

NAME = "tapmesh-telemetry"
SOURCE = Path(__file__).parent / "extension"
_GO: dict[Arch, str] = {"arm64": "arm64", "x86_64": "amd64"}


def build(arch: Arch, out: Path, say: Say = lambda text: None) -> Artefact:
    """`telemetry-<arch>-<sha256>.zip` in `out`, the same bytes from one release of Go. Raises BuildFailed."""
    with alone(out, say), tempfile.TemporaryDirectory() as making:
        say(f"{arch}: building {NAME}")
        part = out / "part"
        write_zip([stored(f"extensions/{NAME}", binary(arch, Path(making)).read_bytes(), executable=True)], part)
        return named(part, f"telemetry-{arch}")


def binary(arch: Arch, folder: Path) -> Path:
    """The extension alone, static, so that it runs beside every runtime. Raises BuildFailed."""
    go = shutil.which("go")
    if go is None:
        raise BuildFailed("the telemetry extension is built with Go, which is not here", "install Go 1.22 or newer: https://go.dev/dl")
    target = folder / NAME
    command = [go, "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=", "-o", str(target), "."]
    own = {"CGO_ENABLED": "0", "GOOS": "linux", "GOARCH": _GO[arch], "GOFLAGS": "", "GOWORK": "off"}
    done = subprocess.run(command, cwd=SOURCE, env={**os.environ, **own}, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word why"])[-1]
        raise BuildFailed(f"go build of the telemetry extension failed: {last}", f"run it in {SOURCE}: go build .")
    return target


if __name__ == "__main__":
    try:
        for each in MACHINES:
            print(summary(build(each, Path(".mesh/build"), lambda text: print(text, file=sys.stderr))))
    except BuildFailed as failed:
        sys.exit(f"error: {failed}\nhint: {failed.hint}")
