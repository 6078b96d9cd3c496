"""`tapmesh init` writes a mesh that is fine, runs and lands at once."""

import json
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml

from mesh.cli.init import _mesh_name
from mesh.cli.installed import published_commit
from tests.cli.conftest import ENVIRONMENT, Ask
from tests.local.conftest import RunningMesh, free_port

ROOT = Path(__file__).parents[2]
FILES = {
    ".gitignore",
    "Pulumi.yaml",
    "__main__.py",
    "cases/clicks/spells_events_one_way.yaml",
    "requirements.txt",
    "sql/clicks.sql",
    "taps.yaml",
}


def test_what_it_writes_runs_at_once(here: Path, ask: Ask) -> None:
    said = ask("init", "my-shop")
    assert (said.code, "next: cd my-shop && tapmesh dev" in said.err) == (0, True)
    mesh = RunningMesh(here / "my-shop", (here / "my-shop/taps.yaml").read_text())
    assert "my-shop: no problems; taps: 1" in mesh.run("check").stderr
    mesh.port = free_port()
    mesh.start()
    try:
        case = yaml.safe_load((mesh.folder / "cases/clicks/spells_events_one_way.yaml").read_text())
        token = mesh.run("token", "--as", "me", "--tap", "clicks").stdout.strip()
        status, receipt = mesh.post("clicks", case["input"].encode(), x_bd_authorization=token)
        assert (status, receipt["accepted"], receipt["durability"]) == (200, 1, "stored")
    finally:
        mesh.stop()
    columns = 'eventType, ts::VARCHAR AS ts, x, y, _extra::VARCHAR AS "_extra"'
    assert mesh.query(f"select {columns} from clicks") == case["rows"]


def test_its_pulumi_program_is_ours_and_asks_for_a_key(here: Path, ask: Ask) -> None:
    ask("init", ".", "--name", "shop")
    assert (here / "__main__.py").read_text() == (ROOT / "__main__.py").read_text()
    pulumi = yaml.safe_load((here / "Pulumi.yaml").read_text())
    assert (pulumi["name"], pulumi["runtime"]) == ("shop", yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["runtime"])
    done = subprocess.run([sys.executable, "__main__.py"], cwd=here, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "tapmesh:signing-key is missing; it signs the tokens that clicks ask for" in done.stderr


def test_it_lists_what_it_wrote_for_scripts(here: Path, ask: Ask) -> None:
    said = ask("init", "--name", "shop", "--json")
    assert json.loads(said.out) == {"mesh": "shop", "folder": str(here), "files": sorted(FILES)}
    assert {str(path.relative_to(here)) for path in here.rglob("*") if path.is_file()} == FILES


REMOTE = "https://git.example.org/acme/tapmesh.git"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """This repository, cloned from a folder."""
    _run(tmp_path, "git", "clone", "-q", str(ROOT), "clone")
    return tmp_path / "clone"


def _run(folder: Path, *words: str | Path, **environment: str) -> str:
    done = subprocess.run(words, cwd=folder, env=ENVIRONMENT | environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _installed(folder: Path, *what: str, **environment: str) -> Path:
    """A new environment in the folder with that in it, and of this one's packages what it depends on; its programs."""
    _run(folder, sys.executable, "-m", "venv", "--without-pip", ".venv")
    (packages,) = (folder / ".venv/lib").glob("python3*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    _run(folder, sys.executable, "-m", "pip", "--python", ".venv/bin/python", "install", "-q", "--no-deps", *what, **environment)
    return folder / ".venv/bin"


def _works(shop: Path, **environment: str) -> None:
    """Its requirements.txt installs a tapmesh that takes the folder."""
    programs = _installed(shop, "-r", "requirements.txt", **environment)
    assert _run(shop, programs / "python", "-c", "import mesh; print(mesh.__file__)").startswith(str(shop / ".venv"))
    _run(shop, programs / "tapmesh", "check")
    assert "1 case" in _run(shop, "bash", "-c", f"'{programs}/tapmesh' test 2>&1")


def test_a_folder_written_from_a_clone_works_by_itself_and_says_that_it_is_this_machines(clone: Path) -> None:
    programs = _installed(clone, "-e", ".")
    _run(clone.parent, programs / "tapmesh", "init", "shop")
    lines = (clone.parent / "shop/requirements.txt").read_text().splitlines()
    assert (lines[0], lines[-1]) == (
        f"# {clone.as_uri()} is a folder of this machine. Before this file goes to another one, put",
        f"tapmesh @ {clone.as_uri()}",
    )
    _works(clone.parent / "shop")


def test_a_folder_written_from_a_published_clone_names_the_repository_and_commit(clone: Path) -> None:
    settings = clone.parent / "gitconfig"
    settings.write_text(f'[url "{ROOT.as_uri()}"]\n\tinsteadOf = {REMOTE}\n')  # what stands for a server here
    programs = _installed(clone, "-e", ".")
    _run(clone, "git", "remote", "set-url", "origin", REMOTE.replace("https://", "https://lead:secret@"))
    _run(clone.parent, programs / "tapmesh", "init", "shop")
    commit = _run(clone, "git", "rev-parse", "HEAD")
    assert (clone.parent / "shop/requirements.txt").read_text() == f"tapmesh @ git+{REMOTE}@{commit}\n"
    _works(clone.parent / "shop", GIT_CONFIG_GLOBAL=str(settings))


@pytest.mark.parametrize(
    ("remote", "found"),
    [
        ("https://lead:secret@git.example.org/acme/tapmesh", "https://git.example.org/acme/tapmesh"),
        ("git@git.example.org:acme/tapmesh.git", "ssh://git@git.example.org/acme/tapmesh.git"),
        ("ssh://git@git.example.org:2222/acme/tapmesh.git", "ssh://git@git.example.org:2222/acme/tapmesh.git"),
        ("file:///srv/tapmesh", None),
        ("../tapmesh", None),
    ],
)
def test_a_clone_is_known_by_where_others_get_it_too(clone: Path, remote: str, found: str | None) -> None:
    _run(clone, "git", "remote", "set-url", "origin", remote)
    commit = _run(clone, "git", "rev-parse", "HEAD")
    assert published_commit(clone) == (found and f"{found}@{commit}")
    assert published_commit(clone / "mesh") is None
    (clone / "mesh/__init__.py").write_text("changed")
    assert published_commit(clone) is None
    _run(clone, "git", "-c", "user.name=lead", "-c", "user.email=lead@acme.example", "commit", "-qam", "not pushed yet")
    assert published_commit(clone) is None


def test_it_leaves_alone_what_is_there(here: Path, ask: Ask) -> None:
    (here / "README.md").write_text("mine")
    (here / ".gitignore").write_text("mine too")
    said = ask("init")
    assert (said.code, "has .gitignore already; nothing was written" in said.err) == (2, True)
    assert {path.name for path in here.iterdir()} == {"README.md", ".gitignore"}
    (here / ".gitignore").unlink()
    assert ask("init").code == 0
    assert (here / "README.md").read_text() == "mine"


def test_it_says_what_it_named_the_mesh_and_quotes_the_folder(here: Path, ask: Ask) -> None:
    said = ask("init", "My Shop's")
    assert "the mesh is named my-shop-s: a mesh's name is a-z, then a-z, 0-9 and -, at most 15 characters; --name" in said.err
    quoted = re.search(r"next: (cd .*) && tapmesh dev$", said.err, re.MULTILINE)
    assert quoted is not None
    assert subprocess.run(["bash", "-c", f"{quoted[1]} && pwd"], capture_output=True, text=True).stdout == f"{here}/My Shop's\n"
    assert "is named" not in ask("init", "shop").err
    assert "is named" not in ask("init", "Other Shop", "--name", "other").err


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("shop", "shop"),
        ("My Shop", "my-shop"),
        ("2026-clicks", "clicks"),
        ("a-very-long-name-of-a-shop", "a-very-long-nam"),
        ("123", "mesh"),
    ],
)
def test_a_mesh_is_named_like_its_folder(tmp_path: Path, folder: str, name: str) -> None:
    assert _mesh_name(tmp_path / folder, None) == name
