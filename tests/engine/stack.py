"""A stack of the real engine over a program in this process: its state in a folder, its events kept."""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from pulumi import automation
from pulumi.automation._stack import StackInitMode  # no public name makes a subclass of Stack
from pulumi.automation.events import EngineEvent

from tests.emulated.aws import Aws
from tests.engine.cli import pulumi

ROOT = Path(__file__).parents[2]

Program = Callable[[], object]  # what it returns is not looked at
MakeStack = Callable[..., "Stack"]


@dataclass(frozen=True)
class Provider:
    """Who answers for AWS: `plugin` is a folder with our executable, or None for the installed one. `config` every stack of it needs."""

    plugin: Path | None
    variables: Mapping[str, str]
    config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, order=True)
class Step:
    """What the engine did, or in a preview would do, with a resource; `paths` of the properties that differ."""

    op: str
    type: str
    name: str
    paths: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What the engine did with each resource of the program and of its state; `said`: what it told the user beside that."""

    steps: tuple[Step, ...]
    said: str
    outputs: Mapping[str, Any]

    @property
    def changes(self) -> dict[str, int]:
        """Resources by what was done: create, update, same, replace, delete. Nothing in it is 0."""
        return dict(Counter(step.op for step in self.steps if step.op not in ("create-replacement", "delete-replaced")))

    @property
    def changed(self) -> tuple[Step, ...]:
        """The steps that are not `same`, sorted."""
        return tuple(sorted(step for step in self.steps if step.op not in ("same", "read")))


class DeployError(Exception):
    """The engine failed; its message is what the user sees, and what had been done until then is in `outcome`."""

    def __init__(self, message: str, outcome: Outcome) -> None:
        super().__init__(message)
        self.outcome = outcome


class _Quick(automation.Stack):
    """After each operation the Automation API asks the command line three times more, for what the events have told."""

    def outputs(self) -> automation.OutputMap:
        return {}

    def info(self, show_secrets: bool = True) -> automation.UpdateSummary:
        return automation.UpdateSummary("update", datetime.now(UTC), "", {}, {}, "succeeded")


@cache
def _command() -> automation.PulumiCommand:
    return automation.PulumiCommand(str(pulumi()), skip_version_check=True)


class Stack:
    """One stack of one project; a program given to a call is what the user's has been edited into. Made again in its folder, it goes on."""

    def __init__(self, folder: Path, provider: Provider, program: Program, name: str = "dev", project: str = "acme") -> None:
        home, state = folder / "home", folder / "state"
        work = folder / f"work-{name}"
        for each in (home, state, work):
            each.mkdir(parents=True, exist_ok=True)
        plugins = f"\nplugins:\n  providers:\n    - {{name: aws, path: {provider.plugin}}}" if provider.plugin else ""
        (work / "Pulumi.yaml").write_text(f"name: {project}\nruntime: python{plugins}\n")
        self.program, self.state = program, state / ".pulumi" / "stacks" / project / f"{name}.json"
        if not self.state.exists():
            config = {f"aws:{key}": value for key, value in provider.config.items()}
            (work / f"Pulumi.{name}.yaml").write_text(json.dumps({"config": config}))
        workspace = automation.LocalWorkspace(
            work_dir=str(work),
            pulumi_home=str(home) if provider.plugin else None,
            env_vars={**_settings(state), **provider.variables},
            pulumi_command=_command(),
        )
        self._stack = _Quick(name, workspace, StackInitMode.SELECT if self.state.exists() else StackInitMode.CREATE)

    def config(self, values: Mapping[str, str], *, secret: bool = False) -> None:
        """Sets keys such as `tapmesh:bucket`; a bare key is the project's own."""
        self._stack.set_all_config({key: automation.ConfigValue(value, secret) for key, value in values.items()})

    def preview(self, program: Program | None = None) -> Outcome:
        """What `up` would do."""
        return self._run(self._stack.preview, program=_quiet(program or self.program))

    def up(self, program: Program | None = None, **options: Any) -> Outcome:
        """Options are the Automation API's, such as `target`."""
        return self._run(self._stack.up, program=_quiet(program or self.program), **options)

    def refresh(self) -> Outcome:
        """Reads everything again; what has drifted is `update`, what is gone `delete`."""
        return self._run(self._stack.refresh)

    def destroy(self) -> Outcome:
        """All of it, but for what is retained."""
        return self._run(self._stack.destroy)

    def resources(self) -> list[dict[str, Any]]:
        """As the file of the state has them; secrets as ciphertext."""
        return list(json.loads(self.state.read_text())["checkpoint"]["latest"].get("resources", []))

    def resource(self, name: str) -> dict[str, Any]:
        """The one of this logical name."""
        (found,) = [each for each in self.resources() if each["urn"].endswith(f"::{name}")]
        return found

    def _run(self, operation: Callable[..., Any], **options: Any) -> Outcome:
        events: list[EngineEvent] = []
        try:
            operation(on_event=events.append, color="never", suppress_progress=True, **options)
        except automation.errors.CommandError as error:
            outcome = _outcome(events, {})
            raise DeployError(outcome.said or str(error), outcome) from None
        return _outcome(events, self.outputs())

    def outputs(self) -> dict[str, Any]:
        """Of the last `up`, secrets in the clear."""
        (stack,) = [each for each in self.resources() if each["type"] == "pulumi:pulumi:Stack"] or [{}]
        outputs = dict(stack.get("outputs", {}))
        if any(isinstance(each, dict) and "ciphertext" in each for each in outputs.values()):
            return {name: each.value for name, each in self._stack.workspace.stack_outputs(self._stack.name).items()}
        return outputs


def ours(folder: Path) -> Path:
    """The folder the engine is told of: it starts the executable in it, our plugin."""
    executable = folder / "pulumi-resource-aws"
    executable.write_text(f'#!/bin/sh\nexport PYTHONPATH="{ROOT}"\nexec "{sys.executable}" -m tests.engine.plugin "$@"\n')
    executable.chmod(0o755)
    return folder


def emulated(account: Aws, plugin: Path | None) -> Provider:
    """An account of our own, by our plugin or the installed one."""
    variables = account.admin.variables(account.endpoint)
    return Provider(plugin, variables, {"region": variables["AWS_REGION"], "s3UsePathStyle": "true", "skipMetadataApiCheck": "true"})


def makes(folder: Path, provider: Provider) -> MakeStack:
    """Stacks that share a state folder: a name is a stack."""
    return lambda program, name="dev": Stack(folder, provider, program, name)


def _quiet(program: Program) -> Callable[[], None]:
    def run() -> None:  # the engine's SDK would wait for what a program returns
        program()

    return run


def _settings(state: Path) -> dict[str, str]:
    return {
        "PULUMI_BACKEND_URL": state.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "acme",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
    }


def _outcome(events: list[EngineEvent], outputs: Mapping[str, Any]) -> Outcome:
    """A resource is told of when the engine is done with it; what failed is not."""
    done = [event.res_outputs_event.metadata for event in events if event.res_outputs_event]
    told = [event.diagnostic_event for event in events if event.diagnostic_event]
    said = "".join(each.message for each in told if each.severity != "debug")
    return Outcome(tuple(_step(each) for each in done if not each.type.startswith("pulumi:")), said, outputs)


def _step(metadata: Any) -> Step:
    paths = tuple(sorted(metadata.detailed_diff or metadata.diffs or ()))
    return Step(str(metadata.op.value), metadata.type, metadata.urn.rpartition("::")[2], paths)
