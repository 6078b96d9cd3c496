"""The two files of the web kit: one is the other, minified, and small."""

import subprocess
from pathlib import Path

import mesh.kits

WEB = Path(mesh.kits.__file__).parent / "web"
LIMIT = 4096


def test_the_minified_snippet_is_the_source_minified_and_at_most_4_kb(esbuild: Path) -> None:
    """Where it fails: npx esbuild@<the version pinned in conftest> tap.js --minify --target=es2021 > tap.min.js"""
    done = subprocess.run([str(esbuild), str(WEB / "tap.js"), "--minify", "--target=es2021"], capture_output=True, check=True)
    assert (WEB / "tap.min.js").read_bytes() == done.stdout
    assert len(done.stdout) <= LIMIT
