"""What the stack's configuration asks for; everything that is wrong with it or with `taps.yaml` ends the program before any resource."""

from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws as aws

from mesh.grants.keys import public_keys
from mesh.plan import BadStack, Stack
from mesh.spec import load
from mesh.spec.mesh import Mesh
from tap_runtime.settings import VerifyKey

_KEY = "tapmesh:signing-key"
_MAKE_KEY = f"make one: openssl genpkey -algorithm ed25519 | pulumi config set --secret {_KEY}"


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
    architecture = config.get("architecture") or "arm64"
    if architecture not in ("arm64", "x86_64"):
        problems.append(f"tapmesh:architecture: expected arm64 or x86_64, got {architecture[:60]}")
    if problems or checked.mesh is None:
        raise pulumi.RunError("\n".join([f"nothing was deployed; problems: {len(problems)}", *problems]))
    caller = aws.get_caller_identity()
    return Asked(
        checked.mesh,
        Stack(
            name=stack.name,
            keys=keys,
            bucket=stack.bucket,
            account=caller.account_id,
            region=aws.get_region().region,
            partition=caller.arn.split(":")[1],
            architecture="x86_64" if architecture == "x86_64" else "arm64",
        ),
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
        return public_keys(secret)
    except ValueError as bad:
        problems.append(f"{_KEY}: {bad}; {_MAKE_KEY}")
        return ()
