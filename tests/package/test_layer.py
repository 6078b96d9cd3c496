"""What is in the zips: all the runtime imports under Lambda's Python, and nothing else."""

import json
import os
import re
import struct
import subprocess
import zipfile
from pathlib import Path

import pytest

from mesh.package import Built
from mesh.package.pin import LAYER_TXT, PACKAGES, versions
from mesh.package.wheels import MACHINES, PYTHON, Arch
from tests.emulated.rie import CLIENT, packages
from tests.package.conftest import ROOT, unpacked

IMPORTS = """
import importlib, json, pkgutil, sys
sys.path[:0] = opt, task = sys.argv[1:]
import tap_runtime
for module in pkgutil.iter_modules(tap_runtime.__path__):
    importlib.import_module(f"tap_runtime.{module.name}")
import duckdb, obstore.store, urllib3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
key = Ed25519PrivateKey.generate()
key.public_key().verify(key.sign(b"lead"), b"lead")
assert duckdb.sql("select sum(range) from range(3)").fetchall() == [(3,)]
obstore.store.MemoryStore().put("key", b"value")
ours = {name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}
print(json.dumps(sorted({name.partition(".")[0] for name, file in ours.items() if file.startswith(opt)})))
"""


def names(path: Path) -> list[str]:
    return zipfile.ZipFile(path).namelist()


def test_every_module_of_the_runtime_imports_from_the_layer_and_nothing_else_is_in_it(
    built: dict[Arch, Built], opt: Path, python: str, tmp_path: Path
) -> None:
    task = unpacked(built["x86_64"].runtime.path, tmp_path)
    done = subprocess.run(
        [python, "-I", "-S", "-B", "-c", IMPORTS, str(opt / "python"), str(task)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    carried = {path.name.partition(".")[0] for path in (opt / "python").iterdir() if path.suffix != ".dist-info"}
    assert set(json.loads(done.stdout)) == carried


def test_the_runtime_zip_is_the_sources_of_tap_runtime(built: dict[Arch, Built]) -> None:
    sources = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in (ROOT / "tap_runtime").rglob("*.py")}
    with zipfile.ZipFile(built["arm64"].runtime.path) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == sources


SOURCE = """
import json, sys
sys.path[:0] = sys.argv[1:]
import mesh.kits.rest.function
print(json.dumps([module.__file__ for name, module in sys.modules.items() if name.partition(".")[0] == "mesh"]))
"""


def test_the_source_zip_is_the_runtime_and_what_of_the_kit_its_function_imports(
    built: dict[Arch, Built], opt: Path, python: str, tmp_path: Path
) -> None:
    """From it, the layer, and what Lambda's own folder has, of which botocore is one."""
    zipped, runtime = {*names(built["x86_64"].source.path)}, {*names(built["x86_64"].runtime.path)}
    task = unpacked(built["x86_64"].source.path, tmp_path)
    path = [str(task), str(opt / "python"), str(packages(PYTHON, *CLIENT))]
    done = subprocess.run([python, "-I", "-S", "-B", "-c", SOURCE, *path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert (runtime < zipped, {Path(file).relative_to(task).as_posix() for file in json.loads(done.stdout)}) == (True, zipped - runtime)


@pytest.mark.parametrize("arch", MACHINES)
def test_the_layer_carries_code_and_licences_only_and_the_extension_is_one_of_its_own(built: dict[Arch, Built], arch: Arch) -> None:
    carried = names(built[arch].layer.path)
    assert names(built[arch].lander.path) == ["extensions/tapmesh-lander"]
    assert [name for name in carried if not name.startswith("python/")] == []
    allowed = re.compile(r".+\.(py|so)|.+/(LICENSE|AUTHORS)[^/]*|python/[^/]+\.dist-info/METADATA")
    assert [name for name in carried if not allowed.fullmatch(name) or "/tests/" in name] == []
    carries = {name.split("/")[1].partition("-")[0] for name in carried if name.endswith(".dist-info/METADATA")}
    assert carries == set(PACKAGES)


@pytest.mark.parametrize(("arch", "elf_machine"), [("arm64", 183), ("x86_64", 62)])
def test_a_layer_is_of_its_architecture(built: dict[Arch, Built], arch: Arch, elf_machine: int) -> None:
    with zipfile.ZipFile(built[arch].layer.path) as archive:
        assert archive.testzip() is None
        heads = {name: archive.open(name).read(20) for name in archive.namelist() if name.endswith(".so")}
    assert heads and {struct.unpack_from("<H", head, 18)[0] for head in heads.values()} == {elf_machine}


def test_the_layer_has_the_versions_the_tests_run_with() -> None:
    pinned = versions((ROOT / "requirements.txt").read_text())
    assert versions(LAYER_TXT.read_text()) == {name: pinned[name] for name in PACKAGES}, "run `make pin`"


def test_the_extension_starts_the_lander_with_layer_and_code_and_nothing_of_where_it_starts(opt: Path, python: str, tmp_path: Path) -> None:
    for folder, text in (("task", "import sys; print(*sys.path[:2], sep='\\n')"), ("elsewhere", "print('a stranger')")):
        (tmp_path / folder / "tap_runtime").mkdir(parents=True)
        (tmp_path / folder / "tap_runtime" / "lander.py").write_text(text)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(python)
    environment = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "LAMBDA_TASK_ROOT": str(tmp_path / "task")}
    extension = opt / "extensions" / "tapmesh-lander"
    done = subprocess.run([extension], cwd=tmp_path / "elsewhere", env=environment, capture_output=True, text=True, timeout=60)
    assert (done.stdout.splitlines(), done.stderr) == ([str(opt / "python"), str(tmp_path / "task")], "")
