"""Every example of the pages is executed: shell against a real mesh, YAML checked, SQL bound or asked."""

import copy
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mesh.spec import load
from mesh.spec.language import Top
from mesh.spec.statement import Asked, BadStatement, bind_all
from tests.docs.bdcli import bring_bdcli
from tests.docs.pages import ROOT, Block, blocks
from tests.grants.matrix import SECRET
from tests.local.conftest import RunningMesh

RECEIPT = r"20\d{6}T\d{6}Z-…-\d+"
SERVING = re.compile(
    r"^(make dev|tapmesh dev|tapmesh kit (relay|postgres|rest|opensearch))\b.*$|^\. \.venv/bin/activate$|^make \w+.*$", re.MULTILINE
)
DATA = '{"eventType":"click","x":10,"y":20}\n{"eventType":"pageload"}\n'


REST = {
    "url": "https://data.acme.example/",
    "query": {"since": "{since}"},
    "paging": {"by": "cursor", "next": "next"},
    "since": {"field": "at", "start": 0, "overlap": 0},
}


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    """The example mesh, running in a folder of its own."""
    folder = tmp_path_factory.mktemp("example")
    for name in ("sql", "cases"):
        shutil.copytree(ROOT / name, folder / name)
    running = RunningMesh(folder, (ROOT / "taps.yaml").read_text())
    (folder / "data.ndjson").write_text(DATA)
    (folder / "secret.json").write_text(json.dumps({"bdTapMasterSecret": SECRET}))
    bring_bdcli(folder / "bin")
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def receipt(mesh: RunningMesh) -> str:
    """A receipt of clicks."""
    token = mesh.run("token", "--as", "lead", "--tap", "clicks").stdout.strip()
    return str(mesh.post("clicks", DATA.encode(), x_bd_authorization=token)[1]["receipt"])


def shell(mesh: RunningMesh, script: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{mesh.folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=mesh.folder, env=environment, capture_output=True, text=True, timeout=800
    )


def by_page() -> dict[str, str]:
    pages: dict[str, str] = {}
    for block in blocks("sh"):
        name = str(block.page.relative_to(ROOT))
        pages[name] = pages.get(name, "") + block.text
    return pages


@pytest.mark.timeout(900)  # docs/cli.md is some fifty commands; on a busy machine each takes seconds
@pytest.mark.parametrize(("page", "script"), by_page().items(), ids=by_page())
def test_the_shell_of_a_page_runs_from_top_to_bottom(mesh: RunningMesh, receipt: str, page: str, script: str) -> None:
    """What serves is left out, as the mesh runs already; the port and the receipts are those of here."""
    here = re.sub(RECEIPT, receipt, SERVING.sub("", script)).replace(":8900", f":{mesh.port}")
    done = shell(mesh, here)
    assert (done.returncode, "error" in done.stderr) == (0, False), f"{done.stdout}\n{done.stderr}"


def test_a_shell_block_that_lies_is_found_out(mesh: RunningMesh) -> None:
    assert shell(mesh, 'tapmesh query "select nowhere from clicks"').returncode == 2


def whole(text: str) -> str:
    """A block as a whole file: what it leaves out is the example mesh's."""
    given, example = yaml.safe_load(text), yaml.safe_load((ROOT / "taps.yaml").read_text())
    assert set(given) <= set(Top.model_fields), f"no block of taps.yaml: {', '.join(given)}"
    return f"{text}\n{yaml.safe_dump({key: value for key, value in example.items() if key not in given})}"


@pytest.mark.parametrize("block", blocks("yaml"), ids=lambda block: block.page.stem)
def test_the_yaml_of_a_page_passes_check(mesh: RunningMesh, block: Block) -> None:
    (mesh.folder / "block.yaml").write_text(whole(block.text))
    assert [problem.text for problem in load(mesh.folder / "block.yaml").problems] == []


@pytest.mark.parametrize("block", blocks("sql"), ids=lambda block: block.page.stem)
def test_the_sql_of_a_page_binds(mesh: RunningMesh, block: Block) -> None:
    """Over `events` it is a team's statement, for the schema of clicks; else a question to the lake."""
    example = load(ROOT / "taps.yaml").mesh
    assert example is not None
    if re.search(r"\bevents\b", block.text):
        bound = bind_all([Asked(block.text.strip(), example.taps["clicks"].columns, True)])
        assert not isinstance(bound[0], BadStatement), bound
    else:
        assert mesh.run("query", block.text).returncode == 0


def keys() -> list[tuple[str, str]]:
    """Key, with names for `<name>`, and example of every row of the reference."""
    page = (ROOT / "docs" / "taps-yaml.md").read_text()
    for kind, name in (("taps", "clicks"), ("schema", "x"), ("people", "lead"), ("sources", "requests")):
        page = page.replace(f"{kind}.<name>", f"{kind}.{name}")
    return re.findall(r"^\| `([^`]+)` .*\| `(.*)` \|$", page, re.MULTILINE)


@pytest.mark.parametrize(("key", "example"), keys(), ids=[key for key, _ in keys()])
def test_the_example_of_a_key_passes_check(tmp_path: Path, key: str, example: str) -> None:
    shutil.copytree(ROOT / "sql", tmp_path / "sql")
    (tmp_path / "teams" / "data").mkdir(parents=True)
    (tmp_path / "teams" / "data" / "taps.yaml").write_text("taps: {}\n")
    file: dict[str, Any] = yaml.safe_load((ROOT / "taps.yaml").read_text())
    tap: dict[str, Any] = {"team": "growth", "ack": "stored", "schema": {"x": {"type": "TIMESTAMP"}}}
    file["taps"] = {"clicks": tap}
    del file["people"]["partner"]["boilingdata"]  # the example of that key, for somebody else
    if key.startswith("sources."):
        file["sources"] = {"requests": {"into": "clicks", "every": "1h", "rest": copy.deepcopy(REST)}}
    put(file, key, example)
    (tmp_path / "taps.yaml").write_text(yaml.safe_dump(file))
    assert [problem.line(tmp_path) for problem in load(tmp_path / "taps.yaml").problems] == []


def put(file: dict[str, Any], key: str, example: str) -> None:
    """Sets one value of the file; in a list of grants it is a grant of its own."""
    *above, last = key.split(".")
    at = file
    for part in above:
        if part.endswith("[]"):
            at[part[:-2]] = [{"to": "partner"} if last == "until" else {}]
            at = at[part[:-2]][0]
        else:
            at = at.setdefault(part, {})
    value = yaml.load(example, yaml.BaseLoader) if last == "until" else yaml.safe_load(example)
    at[last] = {**at.get(last, {}), **value} if isinstance(value, dict) else value


def test_the_json_of_the_readme_is_an_answers(mesh: RunningMesh) -> None:
    token = mesh.run("token", "--as", "lead", "--tap", "clicks").stdout.strip()
    _, answer = mesh.post("clicks", DATA.encode(), x_bd_authorization=token)
    shown = [json.loads(block.text) for block in blocks("json") if block.page.name == "README.md"]
    assert shown == [{**answer, "receipt": shown[0]["receipt"]}]
    assert re.fullmatch(RECEIPT, shown[0]["receipt"])


def test_the_drawing_names_what_is_in_a_lake(mesh: RunningMesh) -> None:
    page = (ROOT / "docs" / "how-it-works.md").read_text()
    code = "".join(file.read_text() for file in (ROOT / "tap_runtime").glob("*.py"))
    drawn = set(re.findall(r"_mesh/(\w+)/", page))
    assert drawn == {"open", "stored", "staged", "landed", "quarantine"}
    assert {kind for kind in drawn if f"_mesh/{kind}/" not in code} == set()
