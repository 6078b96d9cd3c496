"""The whole plans that tests compare with: `python -m tests.plan.golden` writes them anew, and git shows what changed."""

from pathlib import Path

from mesh.plan import MeshPlan, Stack, expand
from mesh.spec import load
from mesh.spec.mesh import Mesh
from tap_runtime.settings import VerifyKey

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
KEYS = (VerifyKey("2026-11", "A" * 43),)
ASKED = Stack("prod", KEYS, bucket="acme-lake-of-record", account="111111111111", region="eu-west-1")
PLANS = {
    "example-dev": (ROOT / "taps.yaml", Stack("dev")),
    "whole-prod": (ROOT / "tests" / "specs" / "good" / "whole.yaml", ASKED),
}


def mesh(file: Path) -> Mesh:
    """A file's mesh, which must be good."""
    checked = load(file)
    assert checked.mesh is not None, checked.problems
    return checked.mesh


def plan(name: str) -> MeshPlan:
    """One of PLANS as it is made now."""
    file, stack = PLANS[name]
    return expand(mesh(file), stack)


def path(name: str) -> Path:
    """Where it is kept."""
    return HERE / f"{name}.json"


if __name__ == "__main__":
    for each in PLANS:
        path(each).write_text(plan(each).json() + "\n")
