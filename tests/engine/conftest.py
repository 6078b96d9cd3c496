"""The engine, and who answers it for AWS: our plugin over an emulator that enforces policies, the AWS plugin over the same emulator where
it is installed, or the AWS plugin and a real account with TAPMESH_AWS=1."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from tests.emulated.aws import Aws, running
from tests.emulated.bring import missing
from tests.engine.cli import pulumi
from tests.engine.mesh import EXAMPLE, SMALL
from tests.engine.plugin.cloud import Cloud
from tests.engine.served import Served
from tests.engine.stack import ROOT, MakeStack, Provider, emulated, makes, ours


def pytest_collection_finish(session: pytest.Session) -> None:
    """Builds the engine where it is missing before the first test, which may not take as long, and says so past pytest's capture."""
    wanted = any(ROOT / "tests" / "engine" in item.path.parents for item in session.items)
    capture = session.config.pluginmanager.getplugin("capturemanager")
    if wanted and not session.config.option.collectonly and capture:
        with capture.global_and_fixture_disabled(), suppress(pytest.skip.Exception, pytest.fail.Exception):
            pulumi()  # what is lacking is told by the fixture below


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """The functions of the meshes under test, once a test serves them."""
    meshes = [yaml.safe_load(text) for text in (EXAMPLE, SMALL)]
    served = Served(f"{mesh['mesh']}-dev-{tap}" for mesh in meshes for tap in mesh["taps"])
    yield served
    served.close()


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory, served: Served) -> Iterator[Aws]:
    """An emulated account whose policies are enforced, for tests that need roles of their own."""
    if os.environ.get("TAPMESH_AWS") == "1":
        pytest.skip("tries what only an emulated account should be tried with")
    with running(tmp_path_factory.mktemp("ministack") / "log", auth=True, **served.variables) as account:
        yield account


@pytest.fixture(scope="session")
def provider(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Provider:
    """TAPMESH_AWS=1 is the account of the environment and needs the AWS plugin; TAPMESH_PLUGIN=ours leaves an installed one alone."""
    pulumi()
    installed = _installed()
    if os.environ.get("TAPMESH_AWS") == "1":
        if not installed:
            missing(f"TAPMESH_AWS=1 needs the AWS plugin: pulumi plugin install resource aws {version('pulumi-aws')}")
        return Provider(None, {}, {"region": os.environ.get("AWS_REGION", "us-east-1")})
    account: Aws = request.getfixturevalue("account")
    if installed and os.environ.get("TAPMESH_PLUGIN") != "ours":
        return emulated(account, None)
    return emulated(account, ours(tmp_path_factory.mktemp("plugin")))


@pytest.fixture
def make_stack(tmp_path: Path, provider: Provider) -> MakeStack:
    """Stacks of one test."""
    return makes(tmp_path, provider)


@pytest.fixture
def cloud(provider: Provider) -> Iterator[Cloud]:
    """The account the stacks are deployed to, asked directly."""
    with asked(provider) as cloud:
        yield cloud


@contextmanager
def asked(provider: Provider) -> Iterator[Cloud]:
    """The account, by the environment of this process meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in provider.variables.items():
            patch.setenv(name, value)
        yield Cloud(provider.config["region"])


def _installed() -> bool:
    home = Path(os.environ.get("PULUMI_HOME", Path.home() / ".pulumi"))
    return any(home.glob("plugins/resource-aws-v7*"))
