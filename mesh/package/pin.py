"""`make pin`: writes layer.txt, the layer's packages at the versions of requirements.txt with the hashes of their wheels."""

import re
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from mesh.package.cache import sha256_of
from mesh.package.wheels import MACHINES, fetch

LAYER_TXT = Path(__file__).with_name("layer.txt")
PACKAGES = ("cffi", "cryptography", "duckdb", "msgspec", "obstore", "urllib3")
_HEAD = "# Written by `make pin` from requirements.txt: what the layer carries, for both architectures.\n"


def versions(requirements: str) -> dict[str, str]:
    """Package to pinned version, of requirements as text."""
    return dict(re.findall(r"^([\w.-]+)==([^\s;\\]+)", requirements, re.MULTILINE))


def layer_txt(requirements: str) -> str:
    """The text of layer.txt: pins with hashes."""
    pinned = versions(requirements)
    hashes: dict[str, set[str]] = defaultdict(set)
    with tempfile.TemporaryDirectory() as temporary:
        names = Path(temporary, "names.txt")
        names.write_text("\n".join(f"{name}=={pinned[name]}" for name in PACKAGES))
        for arch in MACHINES:
            for wheel in fetch(names, arch, Path(temporary, arch), lambda text: print(text, file=sys.stderr)):
                hashes[wheel.name.partition("-")[0].lower()].add(f"--hash=sha256:{sha256_of(wheel)}")
    return _HEAD + "".join(" \\\n    ".join([f"{name}=={pinned[name]}", *sorted(hashes[name])]) + "\n" for name in PACKAGES)


if __name__ == "__main__":
    LAYER_TXT.write_text(layer_txt(Path("requirements.txt").read_text()))
