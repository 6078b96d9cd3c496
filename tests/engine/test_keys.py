"""The commands that `tapmesh keys --stack` prints, run as they are with the real Pulumi, up to the deployment."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.cli import pulumi


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A project with the stack prod; its state in a folder."""
    (tmp_path / "Pulumi.yaml").write_text("name: acme\nruntime: python\n")
    (tmp_path / "taps.yaml").write_text("version: 1\nmesh: acme\n")
    (tmp_path / "state").mkdir()
    here = {"PULUMI_BACKEND_URL": f"file://{tmp_path}/state", "PULUMI_CONFIG_PASSPHRASE": "of a test", "PULUMI_HOME": f"{tmp_path}/home"}
    path = f"{Path(sys.executable).parent}:{pulumi() / 'bin'}:{os.environ['PATH']}"
    return {**os.environ, **here, "PATH": path, "PULUMI_SKIP_UPDATE_CHECK": "1"}


def test_a_stacks_keys_are_made_rotated_and_retired_by_the_printed_commands(tmp_path: Path, environment: dict[str, str]) -> None:
    def shell(script: str) -> tuple[int, str]:
        done = subprocess.run(["bash", "-uc", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout

    def printed(action: str) -> str:
        return shell(f"tapmesh keys {action} --stack prod")[1].strip().removesuffix(" && pulumi up --stack prod")

    def kids() -> list[str]:
        return [key["kid"] for key in json.loads(shell(f"{printed('list')} --json")[1])]

    assert shell("pulumi stack init prod")[0] == 0
    assert shell(printed("new"))[0] != 0, "without a key that could be read nothing is replaced"
    first = "tapmesh keys new --stdin < /dev/null | pulumi config set --secret tapmesh:signing-key --stack prod"
    assert shell(first)[0] == 0
    (old,) = kids()
    assert shell(printed("new"))[0] == 0
    assert (kids()[0], len(kids())) == (old, 2)
    assert shell(printed("rotate"))[0] == 0
    assert kids()[1] == old
    assert shell(printed("retire"))[0] == 0
    assert (old in kids(), len(kids())) == (False, 1)
    assert shell(printed("retire"))[0] != 0, "the last one stays"
    assert len(kids()) == 1
    assert "PRIVATE" not in (tmp_path / "Pulumi.prod.yaml").read_text()
