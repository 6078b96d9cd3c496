"""The engine, and who answers it for AWS: our plugin over an emulator that enforces policies, the AWS plugin over the same emulator where
it is installed, or the AWS plugin and a real account with TAPMESH_AWS=1."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.emulated.aws import Aws, running
from tests.emulated.bring import missing
from tests.engine.plugin.cloud import Cloud
from tests.engine.stack import Program, Provider, Stack

ROOT = Path(__file__).parents[2]
MakeStack = Callable[..., Stack]


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """An emulated account whose policies are enforced."""
    with running(tmp_path_factory.mktemp("ministack") / "log", auth=True) as account:
        yield account


@pytest.fixture(scope="session")
def provider(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Provider:
    """TAPMESH_AWS=1 is the account of the environment and needs the AWS plugin; TAPMESH_PLUGIN=ours leaves an installed one alone."""
    installed = _installed()
    if os.environ.get("TAPMESH_AWS") == "1":
        if not installed:
            missing("TAPMESH_AWS=1 needs the AWS plugin: pulumi plugin install resource aws 7.51.1")
        return Provider(None, {}, {"region": os.environ.get("AWS_REGION", "us-east-1")})
    account: Aws = request.getfixturevalue("account")
    variables = account.admin.variables(account.endpoint)
    config = {"region": variables["AWS_REGION"], "s3UsePathStyle": "true", "skipMetadataApiCheck": "true"}
    if installed and os.environ.get("TAPMESH_PLUGIN") != "ours":
        return Provider(None, variables, config)
    return Provider(_ours(tmp_path_factory.mktemp("plugin")), variables, config)


@pytest.fixture
def make_stack(tmp_path: Path, provider: Provider) -> MakeStack:
    """Stacks of one test: they share a state folder, and a name is a stack."""

    def make(program: Program, name: str = "dev") -> Stack:
        return Stack(tmp_path, provider, program, name)

    return make


@pytest.fixture
def cloud(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """The account the stacks are deployed to, asked directly."""
    for name, value in provider.variables.items():
        monkeypatch.setenv(name, value)
    return Cloud(provider.config["region"])


def _installed() -> bool:
    home = Path(os.environ.get("PULUMI_HOME", Path.home() / ".pulumi"))
    return any(home.glob("plugins/resource-aws-v7*"))


def _ours(folder: Path) -> Path:
    """The folder the engine is told of: it starts the executable in it."""
    executable = folder / "pulumi-resource-aws"
    executable.write_text(f'#!/bin/sh\nexport PYTHONPATH="{ROOT}"\nexec "{sys.executable}" -m tests.engine.plugin "$@"\n')
    executable.chmod(0o755)
    return folder
