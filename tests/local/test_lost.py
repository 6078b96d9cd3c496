"""A spool that vanishes is reported, at most so many; nothing else ever is."""

import json
import shutil

from tests.local.conftest import RunningMesh


def test_a_spool_that_vanished_is_reported_as_presumed_lost(mesh: RunningMesh) -> None:
    mesh.file.write_text(mesh.file.read_text().replace("age: 1s", "age: 300s"))
    mesh.start()
    _, receipt = mesh.post("buffered", b'{"id":"a","n":1}\n')
    shutil.rmtree(mesh.folder / ".mesh/spool/buffered")
    mesh.wait_for(lambda: "has vanished: presumed lost, at most" in mesh.log.read_text(), "the report")
    assert mesh.run("trace", receipt["receipt"]).stdout.startswith("state:    lost in buffered")
    status = json.loads(mesh.run("status", "--json").stdout)
    assert [(tap["tap"], tap["lost_batches"]) for tap in status if tap["lost_batches"]] == [("buffered", 1)]
    assert mesh.post("buffered", b'{"id":"b","n":1}\n')[0] == 200
    mesh.stop()
    assert mesh.query("select id from buffered") == [{"id": "b"}]
    assert mesh.leftovers() == []
