"""What the stack's configuration asks for; everything that is wrong with it or with `taps.yaml` ends the program before any resource."""

from dataclasses import dataclass, replace
from pathlib import Path

import pulumi
import pulumi_aws as aws
from pulumi.runtime.config import CONFIG, get_config_env  # no public name lists the keys
from pydantic import ValidationError

from mesh.grants.boilingdata import read_secret
from mesh.grants.keys import BadKeys, read_keyring
from mesh.grants.writers import boilingdata
from mesh.plan import BadStack, Stack
from mesh.spec import load
from mesh.spec.language import Lake
from mesh.spec.mesh import Mesh
from mesh.spec.problems import did_you_mean
from mesh.spec.words import PATTERNS
from tap_runtime.settings import BOILINGDATA_SECRET, VerifyKey

_KEY = "tapmesh:signing-key"
_MAKE_KEY = f"make one: tapmesh keys new --stdin < /dev/null | pulumi config set --secret {_KEY}"
_SECRETS = {BOILINGDATA_SECRET: "boilingdata-secret"}
_KNOWN = {"taps", "bucket", "stack-suffix", "architecture", "signing-key", *_SECRETS.values()}


@dataclass(frozen=True)
class Asked:
    """A mesh without problems and the stack it goes to."""

    mesh: Mesh
    stack: Stack


def asked(file: Path) -> Asked:
    """Raises pulumi.RunError with every problem there is, each a line as `tapmesh check` prints it."""
    config = pulumi.Config("tapmesh")
    checked = load(file.parent / (config.get("taps") or file.name))
    problems = [problem.line(Path.cwd()) for problem in checked.problems]
    name = config.get("stack-suffix") or pulumi.get_stack()
    try:
        stack = Stack(name, bucket=config.get("bucket"))
    except BadStack as bad:
        stack = Stack("none")
        problems.append(f"{bad}; pulumi config set tapmesh:stack-suffix stands for it in all names")
    keys = _keys(checked.mesh, problems)
    _check_secrets(checked.mesh, problems)
    problems += _config_problems(config, checked.mesh)
    _check_variables(checked.mesh, problems)
    if problems or checked.mesh is None:
        raise pulumi.RunError("\n".join([f"nothing was deployed; problems: {len(problems)}", *problems]))
    return Asked(checked.mesh, _told_by_the_account(stack, keys, config))


def _config_problems(config: pulumi.Config, mesh: Mesh | None) -> list[str]:
    """Of keys beside the file's and the secrets."""
    ours = [key.removeprefix("tapmesh:") for key in sorted({*CONFIG.get(), *get_config_env()}) if key.startswith("tapmesh:")]
    known = {*_KNOWN, *(filter(str.isupper, ours) if mesh is None else (name for name, _ in _variables(mesh)))}
    problems = [f"tapmesh:{key}: unknown key; {did_you_mean(key, known)}" for key in ours if key not in known]
    try:
        Lake(bucket=config.get("bucket"))
    except ValidationError:
        problems.append(f"tapmesh:bucket: expected {PATTERNS['bucket']}")
    if (architecture := config.get("architecture")) not in (None, "arm64", "x86_64"):
        problems.append(f"tapmesh:architecture: expected arm64 or x86_64, got {str(architecture)[:60]}")
    return problems


def _told_by_the_account(stack: Stack, keys: tuple[VerifyKey, ...], config: pulumi.Config) -> Stack:
    """The stack with what only AWS knows, which is also the first question it is asked: raises pulumi.RunError where it does not answer."""
    try:
        caller = aws.get_caller_identity()
        region = aws.get_region().region
    except Exception as error:  # the engine raises no other type
        said = str(error).rpartition("returned an error: ")[2].removeprefix("invoke: ")
        hint = "aws sts get-caller-identity says whether there are credentials and whose; pulumi config set aws:region names the region"
        raise pulumi.RunError(f"nothing was deployed; AWS does not answer: {said}\n{hint}") from None
    return replace(
        stack,
        keys=keys,
        account=caller.account_id,
        region=region,
        partition=caller.arn.split(":")[1],
        architecture="x86_64" if config.get("architecture") == "x86_64" else "arm64",
    )


def _keys(mesh: Mesh | None, problems: list[str]) -> tuple[VerifyKey, ...]:
    """The public halves: the settings are to be known before anything is made, and nothing else of the secret goes anywhere."""
    secret = pulumi.runtime.get_config(_KEY)
    if secret is None:
        private = [tap.name for tap in mesh.taps.values() if not tap.public] if mesh is not None else []
        if private:
            some = ", ".join(private[:3]) + (" and others" if private[3:] else "")
            problems.append(f"{_KEY} is missing; it signs the tokens that {some} ask for; {_MAKE_KEY}")
        return ()
    try:
        return read_keyring(secret).public()
    except BadKeys as bad:
        problems.append(f"{_KEY}: {bad}; {_MAKE_KEY}")
        return ()


def secret(variable: str) -> pulumi.Output[str]:
    """The value of a function's variable that the stack's configuration keeps encrypted, and its state too."""
    config = pulumi.Config("tapmesh")
    return config.require_secret(_SECRETS[variable]).apply(read_secret) if variable in _SECRETS else config.require_secret(variable)


def _variables(mesh: Mesh | None) -> list[tuple[str, str]]:
    """What sources name, with whose it is."""
    return [(name, source.name) for source in mesh.sources.values() for name in source.rest.variables()] if mesh is not None else []


def _check_variables(mesh: Mesh | None, problems: list[str]) -> None:
    for variable, source in _variables(mesh):
        if not pulumi.runtime.get_config(key := f"tapmesh:{variable}"):
            problems.append(f"{key} is missing, which sources.{source} names: pulumi config set --secret {key}")


def _check_secrets(mesh: Mesh | None, problems: list[str]) -> None:
    taking = [tap.name for tap in mesh.taps.values() if boilingdata(mesh, tap) is not None] if mesh is not None else []
    if not taking:
        return
    key = f"tapmesh:{_SECRETS[BOILINGDATA_SECRET]}"
    try:
        read_secret(pulumi.runtime.get_config(key) or "")
    except ValueError:
        make = f"bdcli account tap-master-secret --disable-spinner | pulumi config set --secret {key}"
        problems.append(
            f"{key} is missing or no tap master secret; it checks the BoilingData tokens that {', '.join(taking[:3])} take: {make}"
        )
