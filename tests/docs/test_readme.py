"""The README's commands, run as they stand there; and nothing in the docs that is not in the product."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.docs.bdcli import bring_bdcli
from tests.kits.example import example

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def shell_blocks() -> list[str]:
    return re.findall(r"```sh\n(.*?)```", README, re.DOTALL)


def test_the_readme_commands_lead_from_nothing_to_rows(tmp_path: Path) -> None:
    """`make dev` itself is what CI's fresh clone runs; here the server is started as it starts it, on a port of its own."""
    with example(tmp_path) as mesh:
        assert "make dev" in shell_blocks()[0]
        send = shell_blocks()[1].replace(". .venv/bin/activate\n", "").replace(":8900", f":{mesh.port}")
        answer = json.loads(run(send.replace("curl", "curl -s"), tmp_path))
        assert (answer["received"], answer["accepted"], answer["durability"]) == (2, 2, "stored")
        query = 'tapmesh query "select eventType, count(*) as events from clicks group by all order by all"'
        assert query.replace(" order by all", "") in shell_blocks()[2]
        mesh.wait_for(lambda: "pageload" in run(query, tmp_path), "rows in the lake")
        assert run(f"tapmesh trace {answer['receipt']}", tmp_path).startswith("state:    landed in clicks")


def test_the_readmes_three_commands_let_another_boilingdata_user_write(tmp_path: Path) -> None:
    (tmp_path / "data.ndjson").write_text('{"eventType":"click"}\n')
    bring_bdcli(tmp_path / "bin")
    with example(tmp_path) as mesh:
        keep, *send = next(block for block in shell_blocks() if "bdcli" in block).replace(":8900", f":{mesh.port}").splitlines()
        assert len(send) == 2
        script = "\n".join(send).replace("curl", "curl -s")
        assert json.loads(run(script, tmp_path))["error"] == "bad_token"
        run(keep, tmp_path)
        mesh.wait_for(lambda: json.loads(run(script, tmp_path))["statusCode"] == 200, "the secret to be taken")
        answer = json.loads(run(script, tmp_path))
        assert (answer["received"], answer["accepted"]) == (1, 1)
        mesh.wait_for(lambda: mesh.query("select distinct sender from _senders") == [{"sender": "partner"}], "the batch to land")


def run(script: str, folder: Path) -> str:
    environment = {**os.environ, "PATH": f"{folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-euc", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_readme_fits_a_screen_and_says_what_is_not_there() -> None:
    assert len(README.splitlines()) <= 80
    assert "so far that was seen on an emulated AWS only." in README


def test_every_page_for_users_is_linked_from_the_readme_or_from_a_page_that_is() -> None:
    pages = {path.relative_to(ROOT) for path in (ROOT / "docs").rglob("*.md")}
    found, looking = set(), [Path("README.md"), Path("CONTRIBUTING.md")]
    while looking:
        page = looking.pop()
        targets = re.findall(r"\]\(([^)#:]+\.md)", (ROOT / page).read_text())
        new = {Path(os.path.normpath(page.parent / target)) for target in targets} - found
        found |= new
        looking += new
    assert pages - found == set()


def test_setup_says_what_each_of_its_long_steps_does(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements.txt", "requirements-dev.txt", "pyproject.toml"):
        (tmp_path / name).touch()
    steps = subprocess.run(["make", "-n", "setup"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout.splitlines()
    long = [number for number, line in enumerate(steps) if re.search(r"-m venv |pip install ", line)]
    assert len(long) == 3
    assert all(steps[number - 1].startswith('echo "') for number in long)


def test_the_readmes_example_of_a_problem_is_what_check_says(tmp_path: Path) -> None:
    for name in ("sql", "cases"):
        shutil.copytree(ROOT / name, tmp_path / name)
    broken = (ROOT / "taps.yaml").read_text().replace("    thresholds: {age: 10s}", "    treshold: {age: 10s}", 1)
    (tmp_path / "taps.yaml").write_text(broken)
    done = subprocess.run([str(Path(sys.executable).parent / "tapmesh"), "check"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    said = re.sub(r":\d+:", ":33:", done.stdout.splitlines()[0], count=1)
    assert said == "taps.yaml:33:5 taps.clicks.treshold: unknown key; did you mean thresholds?"
    assert said in README


def test_every_link_of_the_docs_leads_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert target.startswith("https://") or (page.parent / target).exists(), f"{page.name}: {target}"
