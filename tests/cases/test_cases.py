"""The example mesh's cases and the starter's, run as `tapmesh test` runs them."""

from pathlib import Path

import pytest

from mesh.cases import Case, faults, read_cases
from mesh.plan import Stack, expand
from mesh.spec import load

ROOT = Path(__file__).parents[2]
MESH = load(ROOT / "taps.yaml").mesh
assert MESH is not None
SETTINGS = {plan.name: plan.settings for plan in expand(MESH, Stack("test")).taps}
CASES = read_cases(ROOT)


def test_every_tap_has_a_case() -> None:
    assert {case.tap for case in CASES} == set(SETTINGS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.tap}-{case.name}")
def test_case(case: Case, tmp_path: Path) -> None:
    assert [*faults(case, SETTINGS[case.tap], tmp_path)] == []
