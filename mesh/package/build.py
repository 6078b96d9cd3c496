"""The zips a mesh runs from: the runtime with our code, the layer with what it imports, and the lander, a tap's extension."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import tap_runtime
from mesh.package.archive import Member, stored, write_zip
from mesh.package.artefact import Built, Limits, named, within
from mesh.package.cache import alone, cache_folder, cached, key
from mesh.package.wheels import Arch, Say, fetch, needed

_HERE = Path(__file__).parent
_SOURCE = (  # what `mesh.kits.rest.function` imports; the glob leaves out command.py, which is the command line's
    *(f"mesh/{name}.py" for name in ("__init__", "batches", "client", "faults", "receipt", "token")),
    *(f"mesh/kits/{name}.py" for name in ("__init__", "bookmark", "delivery", "files", "gathering")),
    "mesh/kits/rest/[!c]*.py",
)


def build(arch: Arch, out: Path, say: Say = lambda text: None, limits: Limits = Limits()) -> Built:
    """`runtime-`, `source-`, `lander-` and `layer-<arch>-<sha256>.zip` in `out`, the same bytes on every machine. Raises BuildFailed."""
    layer = cached(cache_folder(), key(arch), lambda part: _write_layer(arch, part, say), say)
    with alone(out, say):
        part = out / "part"
        write_zip(_code("tap_runtime/**/*.py"), part)
        runtime = named(part, "runtime")
        write_zip(_code("tap_runtime/**/*.py", *_SOURCE), part)
        source = named(part, "source")
        write_zip([stored("extensions/tapmesh-lander", (_HERE / "tapmesh-lander").read_bytes(), executable=True)], part)
        lander = named(part, "lander")
        shutil.copyfile(layer, part)
        built = Built(runtime, named(part, f"layer-{arch}"), lander, source)
    within(limits, built)
    return built


def _write_layer(arch: Arch, path: Path, say: Say) -> None:
    say(f"{arch}: fetching the layer's packages")
    with tempfile.TemporaryDirectory() as temporary:
        wheels = fetch(_HERE / "layer.txt", arch, Path(temporary), say, "--require-hashes")
        write_zip([member.below("python") for wheel in wheels for member in needed(wheel)], path)


def _code(*patterns: str) -> Iterator[Member]:
    folder = Path(tap_runtime.__file__).parent.parent
    for file in (file for pattern in patterns for file in folder.glob(pattern)):
        yield stored(file.relative_to(folder).as_posix(), file.read_bytes())
