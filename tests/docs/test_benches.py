"""A bench that misses a target says so by its exit code too, which `make bench` counts."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"
LANDING = """
from landing import *
targets = Targets()
report(Case("a case", 450, False, 1.25), {{LANDING: [Took({took}, 2.0)], BARE: [Took(1.0, 1.0)], ANCESTOR: [Took(3.0, 3.0)]}}, 10, targets)
targets.end()
"""


def _landing(took_s: float) -> tuple[int, str]:
    """Exit code and error of a bench that found landing to take so long, and a bare COPY a second."""
    code = LANDING.format(took=took_s)
    done = subprocess.run([sys.executable, "-c", code], cwd=BENCH, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stderr


def test_landing_slower_than_its_targets_exits_1() -> None:
    assert _landing(1.2) == (0, "")
    assert _landing(2.0) == (1, "missed: a case\n")
    assert _landing(3.5) == (1, "missed: a case; a case, the ancestor's statement\n")


@pytest.mark.parametrize("file", sorted(BENCH.glob("*.py")), ids=lambda file: file.stem)
def test_a_verdict_is_never_only_printed(file: Path) -> None:
    text = file.read_text()
    assert ("MISSED" in text) == (file.stem == "_targets")
    assert ("Targets()" in text or "=Targets)" in text) <= (".end()" in text)
