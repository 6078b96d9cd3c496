"""Standard streams that are closed, or whose disk is full."""

import subprocess
import sys
from pathlib import Path

import pytest

TAPMESH = Path(sys.executable).parent / "tapmesh"


@pytest.mark.parametrize(
    ("command", "code", "says"),
    [
        ("schema >&-", 0, ""),
        ("keys list --stdin <&-", 2, "expected Ed25519 private keys"),
        ("schema > /dev/full", 1, "error: what it prints: No space left on device\nhint: make room on that disk"),
    ],
)
def test_a_closed_stream_is_like_none_and_a_full_disk_is_said(tmp_path: Path, command: str, code: int, says: str) -> None:
    ended = subprocess.run(f"{TAPMESH} {command}", shell=True, stderr=subprocess.PIPE, text=True, cwd=tmp_path, timeout=60)
    assert (ended.returncode, says in ended.stderr, "Error:" in ended.stderr) == (code, True, False), ended.stderr
