"""A disk that is full while the mesh runs: refused in words, nothing acknowledged lost, and it goes on once there is room."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.conftest import RunningMesh


@pytest.fixture
def small_disk(mesh: RunningMesh) -> Iterator[Path]:
    """`.mesh` on a file system of 6 MB."""
    folder = mesh.folder / ".mesh"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)], capture_output=True, text=True)
    if mounted.returncode:
        assert os.environ.get("TAPMESH_REQUIRE") != "all", mounted.stderr
        pytest.skip("needs root for: mount -t tmpfs")
    yield folder
    if mesh.process is not None:
        mesh.stop()
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("tap", ["buffered", "stored"])
def test_a_full_disk_refuses_in_words_and_loses_nothing(mesh: RunningMesh, small_disk: Path, tap: str) -> None:
    mesh.file.write_text(mesh.file.read_text().replace("age: 1s", "bytes: 5MB, age: 300s"))  # due when there is no room to land it
    mesh.start()
    acknowledged, refused = 0, set()
    for number in range(60):
        body = "".join(f'{{"id":"{number}-{line}-{os.urandom(60).hex()}","n":{line}}}\n' for line in range(1000))
        status, answer = mesh.post(tap, body.encode())
        acknowledged += answer["accepted"] if status == 200 else 0
        if status != 200:
            refused.add((status, answer["error"], answer["message"]))
    where = {"buffered": "spool", "stored": "lake"}[tap]
    assert (503, "disk_full", f"the disk of {small_disk / where} is full") in refused
    assert {(status, error) for status, error, _ in refused} == {(503, "disk_full")}
    mesh.wait_for(lambda: "cannot land yet: the disk of" in mesh.log.read_text(), "the log to name it", within_s=60)
    page = mesh.http.request("GET", f"http://127.0.0.1:{mesh.port}/?tap={tap}").data.decode()
    assert f"cannot land yet: the disk of {small_disk}/" in page and "make room there" in page
    assert "Traceback" not in mesh.log.read_text()
    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
    mesh.wait_for(lambda: mesh.post(tap, b'{"id":"after","n":1}\n')[0] == 200, "room to be noticed")
    mesh.stop()
    found = mesh.query(f"select count(*) as n, count(distinct id) as ids from {tap} where id <> 'after'")[0]
    assert found["ids"] == found["n"] >= acknowledged
    assert mesh.leftovers() == []
