"""What `pulumi preview` takes for 1,000 taps beside a bare program of as many resources, same engine, same plugin; what an edit changes.

Each run is a process of its own, so that its memory is its own; the account is emulated, and asked by the deployment before the edit only.
"""

import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
from check import HEAD, tap

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests' engine and account are measured with

from tests.emulated.aws import Aws, running  # noqa: E402
from tests.engine.mesh import Mesh  # noqa: E402
from tests.engine.stack import Outcome, Stack, emulated, makes, ours  # noqa: E402

FEW, MANY = 10, int(sys.argv[1]) if sys.argv[1:] and sys.argv[1].isdigit() else 1_000
RATIO, GROWTH = 1.5, 1.5
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})


@dataclass(frozen=True)
class Run:
    """One operation: seconds by the clock, resources, what was changed, and MB of this process and of the largest it started."""

    seconds: float
    resources: int
    changes: dict[str, int]
    program_mb: float
    engine_mb: float

    @property
    def each_ms(self) -> float:
        """Milliseconds a resource."""
        return 1000 * self.seconds / self.resources


def bare(count: int) -> None:
    """As many resources of the same types as that many taps have, with no more than they need, nothing computed."""
    gc.disable()  # as the mesh's program does
    for number in range(count):
        name, inside = f"tap_{number}", pulumi.ResourceOptions(parent=pulumi.ComponentResource("bench:bare:Tap", f"tap_{number}"))
        aws.iam.Role(name, assume_role_policy=TRUST, opts=inside)
        aws.iam.RolePolicy(name, role="role", policy=TRUST, opts=inside)
        aws.s3.BucketObjectv2(name, bucket="lake", key=name, content="{}", opts=inside)
        aws.lambda_.Function(
            name, role="arn:aws:iam::000000000000:role/role", runtime="python3.13", handler="a.b", s3_bucket="lake", opts=inside
        )
        aws.lambda_.FunctionUrl(name, function_name=name, authorization_type="NONE", opts=inside)
        aws.glue.CatalogTable(name, name=name, database_name="tables", opts=inside)


def mesh_in(folder: Path, count: int, account: Aws) -> Mesh:
    """That many taps in a file, and a signed stack of it."""
    (folder / "sql").mkdir(parents=True)
    text = HEAD + "".join(tap(number, folder) for number in range(count))
    mesh = Mesh(folder, text, makes(folder, emulated(account, ours(folder))))
    mesh.sign()
    return mesh


def measured(operation: Any) -> tuple[Run, Outcome]:
    """One operation of a stack."""
    started = time.perf_counter()
    outcome: Outcome = operation()
    seconds = time.perf_counter() - started
    peaks = [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return Run(seconds, len(outcome.steps), outcome.changes, *peaks), outcome


def one(kind: str, count: int, folder: Path, endpoint: str) -> Iterator[Run]:
    """The runs of a kind, in this process: a preview of either program; or a whole deployment and the preview after an edit."""
    account = Aws(endpoint)
    if kind == "bare":
        folder.mkdir()
        yield measured(Stack(folder, emulated(account, ours(folder)), lambda: bare(count)).preview)[0]
        return
    mesh = mesh_in(folder, count, account)
    os.environ |= {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}  # else the whole state is written at each of its steps
    yield measured(mesh.stack.preview if kind == "mesh" else mesh.stack.up)[0]
    if kind == "edit":
        mesh.save(f"about: Tap {count // 2} of the bench\n", f"about: Tap {count // 2} of the bench\n    freshness: 10m\n")
        yield measured(mesh.stack.preview)[0]


def main() -> None:
    """Prints the runs, their ratio and growth; exits 1 past the targets."""
    with tempfile.TemporaryDirectory() as name, running(Path(name, "log"), auth=True) as account:

        def runs(kind: str, count: int) -> list[Run]:
            command = [sys.executable, __file__, kind, str(count), str(Path(name, f"{kind}-{count}")), account.endpoint]
            told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            found = [Run(**json.loads(line)) for line in told.splitlines() if line.startswith("{")]
            for run in found:
                print(f"{kind} {count:,}: {run.seconds:.1f} s, {run.each_ms:.1f} ms a resource, program {run.program_mb:.0f} MB, ", end="")
                print(f"engine or plugin {run.engine_mb:.0f} MB, {run.changes}", flush=True)
            return found

        (few,), (plain,), (many,) = runs("mesh", FEW), runs("bare", MANY), runs("mesh", MANY)
        _, edited = runs("edit", MANY)
    ratio, growth = many.each_ms / plain.each_ms, (many.seconds - few.seconds) / (MANY - FEW) / (plain.seconds / MANY)
    print(f"a resource of the mesh takes {ratio:.2f} times a bare one (target {RATIO})")
    print(f"a tap beyond the first {FEW} takes {growth:.2f} times as long as bare resources in its place (target {GROWTH})")
    changed = {kind: count for kind, count in edited.changes.items() if kind != "same"}
    print(f"an edit of one tap changes {changed}")
    sys.exit(ratio > RATIO or growth > GROWTH or sum(changed.values()) != 2)


if __name__ == "__main__":
    if len(sys.argv) == 5:
        for run in one(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]):
            print(json.dumps(asdict(run)), flush=True)
    else:
        main()
