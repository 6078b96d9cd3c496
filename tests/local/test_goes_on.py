"""What is no part of the mesh ends or runs out, and the mesh goes on."""

import os
import resource
import signal
import subprocess

from tests.local.conftest import RunningMesh


def test_it_goes_on_when_nobody_reads_its_log_any_more(mesh: RunningMesh) -> None:
    """As after `tapmesh dev 2>&1 | tee dev.log` when tee has ended."""
    command = mesh.command("dev", "--port", str(mesh.port), "--file", str(mesh.file))
    mesh.log.touch()
    mesh.process = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)
    assert mesh.process.stderr is not None
    while b"Ctrl-C" not in mesh.process.stderr.readline():
        pass
    mesh.process.stderr.close()
    mesh.wait_for(lambda: mesh.post("stored", b'{"id":"a"}\n')[0] == 200, "the server to answer")
    mesh.wait_for(lambda: mesh.query("select id from stored") == [{"id": "a"}], "the row", within_s=20)
    mesh.post("stored", b'{"id":"b"}\n')
    mesh.wait_for(lambda: len(mesh.query("select id from stored")) == 2, "the second row", within_s=20)
    process = mesh.process
    mesh.stop()
    assert process.returncode == 0


def test_a_lander_that_cannot_be_started_again_is_tried_again(mesh: RunningMesh) -> None:
    mesh.start()
    assert mesh.process is not None
    of_all = resource.prlimit(mesh.process.pid, resource.RLIMIT_NOFILE)
    mesh.post("buffered", b'{"id":"a"}\n')
    resource.prlimit(mesh.process.pid, resource.RLIMIT_NOFILE, (1, of_all[1]))
    os.kill(mesh.lander(), signal.SIGKILL)
    mesh.wait_for(lambda: "the lander cannot be started, which is tried again: Too many open files" in mesh.log.read_text(), "the trouble")
    resource.prlimit(mesh.process.pid, resource.RLIMIT_NOFILE, of_all)
    mesh.wait_for(lambda: mesh.query("select id from buffered") == [{"id": "a"}], "the row", within_s=20)
