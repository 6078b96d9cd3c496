"""docs/troubleshooting.md knows every answer of a tap and every alarm of a mesh, and no other."""

import ast
import re

from mesh.plan import Stack, expand
from mesh.spec import load
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
SOURCES = [*sorted((ROOT / "tap_runtime").glob("*.py")), ROOT / "mesh" / "local" / "server.py"]


def refusals(source: str) -> set[tuple[str, str]]:
    """Status and code of every Refused that a module makes."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    made = [[ast.literal_eval(word) for word in call.args[:2]] for call in calls if ast.unparse(call.func) == "Refused"]
    return {(str(status), str(code)) for status, code in made}


def test_every_answer_of_a_tap_is_in_its_table() -> None:
    made = set().union(*(refusals(source.read_text()) for source in SOURCES))
    assert set(re.findall(r"^\| (\d{3}) `(\w+)` \|", PAGE, re.MULTILINE)) == made
    assert len(made) > 10


def test_every_alarm_is_in_its_table() -> None:
    mesh = load(ROOT / "taps.yaml").mesh
    assert mesh is not None
    alarms = {alarm.name.rpartition("_")[2] for alarm in expand(mesh, Stack("dev")).alarms}
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE.partition("## An alarm rings")[2].partition("\n## ")[0], re.MULTILINE)) == alarms
