"""`telemetry: {into: …}` by the real engine: both layers published with the extension in them, and what a function needs."""

from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from tests.engine.mesh import SMALL, Mesh, wipe
from tests.engine.plugin.cloud import Cloud
from tests.engine.stack import DeployError, MakeStack


def test_the_layers_are_published_and_the_outputs_say_what_a_function_needs(tmp_path: Path, make_stack: MakeStack, cloud: Cloud) -> None:
    mesh = Mesh(tmp_path, f"{SMALL}telemetry: {{into: clicks}}\n", make_stack)
    mesh.sign()
    try:
        outputs: dict[str, Any] = mesh.stack.up().outputs
        needs = outputs["telemetry"]
        make = "tapmesh token --as NAME --tap clicks --for 30d --stack dev --keys -"
        assert needs["environment"] == {
            "TAPMESH_TELEMETRY_URL": outputs["urls"]["clicks"],
            "TAPMESH_TELEMETRY_TOKEN": f"pulumi config get tapmesh:signing-key | {make}",
        }
        assert set(needs["layers"]) == {"arm64", "x86_64"}
        for architecture, arn in needs["layers"].items():
            name, version = arn.split(":")[-2:]
            assert name == f"small-dev_telemetry_{architecture}"
            cloud.client("lambda").get_layer_version(LayerName=name, VersionNumber=int(version))
            (built,) = (tmp_path / ".mesh/build").glob(f"telemetry-{architecture}-*.zip")
            assert ZipFile(built).namelist() == ["extensions/tapmesh-telemetry"]
        assert mesh.stack.up().changed == ()
    finally:
        wipe(mesh.stack, cloud)


def test_without_go_nothing_is_deployed_and_the_next_step_is_said(
    tmp_path: Path, make_stack: MakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh = Mesh(tmp_path, f"{SMALL}telemetry: {{into: clicks}}\n", make_stack)
    mesh.sign()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(DeployError, match="built with Go, which is not here\ninstall Go"):
        mesh.stack.up()
    assert [each for each in mesh.stack.resources() if each["type"].startswith("aws:")] == []
