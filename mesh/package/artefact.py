"""The built zips as values, and whether Lambda takes them."""

import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from mesh.package.cache import sha256_of
from mesh.package.wheels import BuildFailed

MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """What Lambda takes: of one zip, and of code and layer together when unpacked."""

    zipped_bytes: int = 50 * MIB
    unpacked_bytes: int = 250 * MIB


@dataclass(frozen=True)
class Artefact:
    """A zip, and how large it is for Lambda."""

    path: Path
    sha256: str
    bytes: int
    unpacked_bytes: int


@dataclass(frozen=True)
class Built:
    """What one architecture runs from. Runtime, source (the runtime, and the REST kit) and lander are the same for both.

    The lander is a layer of its own, as it is a tap's: Lambda starts every extension it finds, and ends a function whose extension ends.
    """

    runtime: Artefact
    layer: Artefact
    lander: Artefact
    source: Artefact


def named(part: Path, name: str) -> Artefact:
    """Renames a zip that was just written to `<name>-<its sha256>.zip`."""
    sha256 = sha256_of(part)
    path = part.replace(part.with_name(f"{name}-{sha256}.zip"))
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(info.file_size for info in archive.infolist())
    return Artefact(path, sha256, path.stat().st_size, unpacked)


def largest(artefact: Artefact, count: int = 4) -> list[tuple[str, int]]:
    """The packages that take most, with their unpacked bytes."""
    sizes: Counter[str] = Counter()
    with zipfile.ZipFile(artefact.path) as archive:
        for info in archive.infolist():
            sizes["/".join(info.filename.split("/")[:2])] += info.file_size
    return sizes.most_common(count)


def summary(artefact: Artefact) -> str:
    """Its path and sizes, for people."""
    most = ", ".join(f"{name} {readable(size)}" for name, size in largest(artefact))
    return f"{artefact.path}  {readable(artefact.bytes)} zipped, {readable(artefact.unpacked_bytes)} unpacked; most of it {most}"


def within(limits: Limits, built: Built) -> None:
    """Raises BuildFailed when Lambda would refuse them."""
    both = built.runtime.unpacked_bytes + built.layer.unpacked_bytes + built.lander.unpacked_bytes
    _at_most(limits.zipped_bytes, built.runtime.bytes, "the runtime zipped", built.runtime)
    _at_most(limits.zipped_bytes, built.layer.bytes, "the layer zipped", built.layer)
    _at_most(limits.unpacked_bytes, both, "runtime and layer unpacked", built.layer)


def _at_most(limit: int, size: int, what: str, artefact: Artefact) -> None:
    if size > limit:
        raise BuildFailed(f"{what} has {readable(size)}, Lambda takes {readable(limit)}", summary(artefact))


def readable(size: int) -> str:
    """Bytes for people, in the unit of Lambda's limits."""
    return f"{size / MIB:.1f} MiB" if size >= MIB else f"{size / 1024:.0f} KiB"
