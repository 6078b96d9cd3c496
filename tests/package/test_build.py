"""`tapmesh build` as a command: the same bytes wherever it runs, once is enough, and an error that helps."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mesh.package import Artefact, BuildFailed, Built, build
from mesh.package.artefact import Limits
from mesh.package.cache import cache_folder
from mesh.package.wheels import Arch
from tests.package.conftest import ROOT, TAPMESH, with_registry, without_registry


def command(out: Path, arch: str = "x86_64") -> list[str]:
    return [sys.executable, "-c", TAPMESH, "build", "--json", "--arch", arch, "--out", str(out)]


def hashes(printed: str) -> tuple[str, str, dict[str, str]]:
    facts = json.loads(printed)
    return facts["runtime"]["sha256"], facts["source"]["sha256"], {arch: layer["sha256"] for arch, layer in facts["layers"].items()}


def expected(built: dict[Arch, Built], *arches: Arch) -> tuple[str, str, dict[str, str]]:
    """What `hashes` has to find."""
    of = built[arches[0]]
    return of.runtime.sha256, of.source.sha256, {arch: built[arch].layer.sha256 for arch in arches}


def another_checkout(folder: Path) -> Path:
    """The project with other times and modes."""
    for name in ("mesh", "tap_runtime"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in folder.rglob("*"):
        path.chmod(0o700)
        os.utime(path, (1e9, 1e9))
    return folder


def test_another_checkout_with_another_user_s_settings_gives_the_same_bytes(built: dict[Arch, Built], tmp_path: Path) -> None:
    settings = {"TZ": "Asia/Kolkata", "LC_ALL": "C", "PYTHONHASHSEED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    environment: dict[str, Any] = {**with_registry(tmp_path / "cache"), **settings}
    checkout = another_checkout(tmp_path / "checkout")
    done = subprocess.run(
        command(tmp_path / "out"), cwd=checkout, env=environment, umask=0o077, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    assert hashes(done.stdout) == expected(built, "x86_64")
    assert "fetching" in done.stderr


def test_after_a_kill_two_builds_at_once_give_both_the_same(built: dict[Arch, Built], tmp_path: Path) -> None:
    environment = with_registry(tmp_path / "cache")
    with subprocess.Popen(command(tmp_path / "out"), env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stderr is not None
        assert "duckdb" in next(line for line in killed.stderr if "duckdb" in line)
        killed.kill()
    both = [subprocess.Popen(command(tmp_path / "out"), env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [hashes(process.communicate(timeout=240)[0]) for process in both] == [expected(built, "x86_64")] * 2
    of = built["x86_64"]
    zips = [each.path.name for each in (of.runtime, of.source, of.layer, of.lander)]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted([".lock", *zips])


def test_what_was_built_once_needs_no_registry(built: dict[Arch, Built], tmp_path: Path) -> None:
    environment = without_registry(cache_folder().parents[1])
    done = subprocess.run(command(tmp_path, "both"), env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert hashes(done.stdout) == expected(built, *built)
    assert done.stderr == ""


def test_without_a_registry_it_says_what_is_missing_and_what_to_do(tmp_path: Path) -> None:
    environment = without_registry(tmp_path)
    done = subprocess.run(command(tmp_path / "out"), env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    said = " ".join(done.stderr.split())
    assert "error: pip could not fetch the layer's packages for x86_64:" in said
    assert "No matching distribution found for cffi==" in said
    assert "check the network and `pip config list`" in said
    assert not list(tmp_path.rglob("*.zip"))


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(zipped_bytes=100), r"the runtime zipped has \d+ KiB, Lambda takes 0 KiB"),
        (Limits(zipped_bytes=2**20), r"the layer zipped has 3\d\.\d MiB, Lambda takes 1\.0 MiB"),
        (Limits(unpacked_bytes=2**20), r"runtime and layer unpacked has \d\d\.\d MiB, Lambda takes 1\.0 MiB"),
    ],
)
def test_more_than_lambda_takes_is_an_error_that_names_the_largest(tmp_path: Path, limits: Limits, message: str) -> None:
    with pytest.raises(BuildFailed, match=message) as failed:
        build("x86_64", tmp_path, limits=limits)
    assert "most of it" in failed.value.hint


def test_sizes_are_those_of_the_files(built: dict[Arch, Built]) -> None:
    for each in built.values():
        for artefact in (each.runtime, each.layer):
            assert artefact == Artefact(artefact.path, artefact.sha256, artefact.path.stat().st_size, artefact.unpacked_bytes)
            assert artefact.path.stem.endswith(f"-{artefact.sha256}")
            assert artefact.unpacked_bytes < 250 * 2**20
