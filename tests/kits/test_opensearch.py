"""`tapmesh kit opensearch` from a real node: every document lands once, whatever ends it on the way."""

import contextlib
import json
import os
import pty
import random
import re
import signal
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.kits.example import running as mesh_running
from tests.kits.faults import FaultyCluster, FaultyTap
from tests.kits.opensearch import TAPS, Kit, OpenSearch
from tests.local.conftest import RunningMesh

DOCUMENTS = int(os.environ.get("TAPMESH_OPENSEARCH_DOCUMENTS", "40000"))
WORDS = [f"word{number}" for number in range(500)]


@pytest.fixture
def mesh(tmp_path: Path) -> Iterator[RunningMesh]:
    with mesh_running(tmp_path, TAPS) as started:
        yield started


def made(count: int, first: int = 0) -> dict[str, bytes]:
    """Documents of about 1 KB by id."""
    draw = random.Random(first)
    texts = [" ".join(draw.choices(WORDS, k=115)) for _ in range(50)]
    return {f"d{n}": b'{"n":%d,"service":"s%d","text":"%b"}' % (n, n % 7, texts[n % 50].encode()) for n in range(first, first + count)}


def landed(mesh: RunningMesh, count: int) -> list[tuple[str, dict[str, object]]]:
    """Ids and documents without what the kit has added, sorted; waits for as many."""
    mesh.wait_for(lambda: mesh.query("select count(*) as n from documents")[0]["n"] >= count, f"{count} documents", within_s=120)
    rows = [(row["id"], json.loads(row["record"])) for row in mesh.query("select id, record from documents")]
    return sorted((id_, {name: value for name, value in record.items() if not name.startswith("_")}) for id_, record in rows)


def hold_after_a_batch(tap: FaultyTap) -> None:
    """It is tried out and takes one, the others wait for it: so the kit is at work when something happens to it."""
    tap.on("delay", times=2, path="taps")
    tap.on("delay", times=None, path="taps", seconds=3)


def expected(documents: dict[str, bytes]) -> list[tuple[str, dict[str, object]]]:
    return sorted((id_, json.loads(document)) for id_, document in documents.items())


@pytest.mark.timeout(900)
def test_killed_twice_all_documents_are_there_once(node: OpenSearch, mesh: RunningMesh) -> None:
    documents = made(DOCUMENTS)
    node.create("killed", shards=2)
    node.fill("killed", documents.items())
    kit = Kit(mesh, f"{node.url}/killed")
    for _ in range(2):
        before = kit.delivered()
        kit.start()
        mesh.wait_for(partial(lambda known: kit.delivered() > known, before), "another batch", within_s=120)
        kit.kill()
    kit.start()
    kit.end()
    assert kit.log.read_text().count("going on after ") == 2
    assert landed(mesh, len(documents)) == expected(documents)


def test_a_batch_whose_receipt_was_lost_counts_once_though_its_documents_changed(node: OpenSearch, mesh: RunningMesh) -> None:
    documents = made(3000)
    node.create("changing")
    node.fill("changing", documents.items())
    tap = FaultyTap(f"http://127.0.0.1:{mesh.port}")
    kit = Kit(mesh, f"{node.url}/changing", "--url", f"{tap.address}/taps/documents")
    tap.on("delay", path="taps")  # the tap is tried out first
    tap.on("lose-reply", times=None, path="taps")
    kit.start()
    mesh.wait_for(lambda: any(seen.became == "lose-reply" for seen in tap.seen), "a lost receipt")
    kit.kill()
    sent_before = len(landed(mesh, 1))
    node.fill("changing", ((id_, b'{"n":-1}') for id_ in [f"d{n}" for n in range(0, 3000, 2)]))
    tap.clear()
    kit.start()
    kit.end()
    newest = "select id, (record ->> 'n')::int as n from documents qualify row_number() over (partition by id order by seq_no desc) = 1"
    now = {f"d{n}": -1 if n % 2 == 0 else n for n in range(3000)}
    mesh.wait_for(lambda: {row["id"]: row["n"] for row in mesh.query(newest)} == now, "every document's newest version")
    assert sent_before > 0
    assert mesh.query("select id, seq_no from documents group by all having count(*) > 1") == []
    tap.down()


def test_documents_keep_their_shape(node: OpenSearch, mesh: RunningMesh) -> None:
    odd = {
        "pretty": b'{ "a": 1.50,\r "b": [ "x y", null, [ ] ] }',
        "empty": b"{ }",
        "größe/1": '{"straße": "Ä\\n\\u2028", "big": 12345678901234567890123}'.encode(),
    }
    node.create("odd-1", shards=3)
    node.create("odd-2", big={"type": "keyword"})
    node.fill("odd-1", [])
    node.ask("PUT", "/odd-1/_doc/lines?refresh=true&routing=r1", b'{\n  "n": 1,\n  "m": {\n  }\n}')
    node.fill("odd-2", odd.items())
    kit = Kit(mesh, f"{node.url}/odd-*", "--slices", "2")
    kit.start()
    kit.end()
    assert landed(mesh, 4) == expected({**odd, "lines": b'{"n":1,"m":{}}'})
    records = {row["id"]: row["record"] for row in mesh.query("select id, record from documents")}
    assert '"big":12345678901234567890123' in records["größe/1"]
    assert json.loads(records["lines"]) == {"_index": "odd-1", "_id": "lines", "_seq_no": 0, "_routing": "r1", "n": 1, "m": {}}


def test_a_cluster_in_trouble_is_waited_for_and_an_expired_point_in_time_followed_by_another(node: OpenSearch, mesh: RunningMesh) -> None:
    documents = made(8000)
    node.create("expired", shards=2)
    node.fill("expired", documents.items())
    tap = FaultyTap(f"http://127.0.0.1:{mesh.port}")
    hold_after_a_batch(tap)
    cluster = FaultyCluster(node.url)
    for fault in ("429", "cut", "lose-reply", "503"):
        cluster.on(fault, path=r"^/_search\?")
    kit = Kit(mesh, f"{cluster.address}/expired", "--url", f"{tap.address}/taps/documents", "--slices", "2")
    kit.start()
    mesh.wait_for(lambda: kit.delivered() > 0, "a batch", within_s=180)
    node.ask("DELETE", "/_search/point_in_time/_all")
    tap.clear()
    kit.end()
    assert landed(mesh, 8000) == expected(documents)
    assert {"429", "cut", "lose-reply", "503", "404"} <= {seen.became for seen in cluster.seen if "point_in_time" not in seen.path}
    tap.down()
    cluster.down()


def test_a_cluster_without_points_in_time_is_scrolled(node: OpenSearch, mesh: RunningMesh) -> None:
    documents = made(5000)
    node.create("scrolled", shards=2)
    node.fill("scrolled", documents.items())
    old = FaultyCluster(node.url)
    old.on("400", times=None, path="point_in_time|_pit")
    for fault in ("lose-reply", "429", "cut", "503"):  # each answer that is lost begins another scroll where the last one was
        old.on(fault, path="_search/scroll$", method="POST")
    kit = Kit(mesh, f"{old.address}/scrolled")
    kit.start()
    kit.end()
    assert [seen.became for seen in old.seen if "scroll" in seen.path].count("lose-reply") == 1
    assert landed(mesh, 5000) == expected(documents)
    old.down()


def test_sigterm_ends_it_cleanly_and_the_next_start_goes_on(node: OpenSearch, mesh: RunningMesh) -> None:
    documents = made(8000)
    node.create("stopped")
    node.fill("stopped", documents.items())
    tap = FaultyTap(f"http://127.0.0.1:{mesh.port}")
    hold_after_a_batch(tap)
    kit = Kit(mesh, f"{node.url}/stopped", "--url", f"{tap.address}/taps/documents")
    kit.start()
    mesh.wait_for(lambda: kit.delivered() > 0, "a batch", within_s=180)
    assert kit.process is not None
    kit.process.send_signal(signal.SIGTERM)
    kit.end(60)
    assert "stopped; the next start goes on from here" in kit.log.read_text()
    tap.clear()
    kit.start()
    kit.end()
    assert landed(mesh, 8000) == expected(documents)
    kit.start()
    kit.end()
    assert "all of it was exported before; --anew exports it again" in kit.log.read_text()
    tap.down()


def test_another_index_of_the_same_name_is_exported_from_its_beginning(node: OpenSearch, mesh: RunningMesh) -> None:
    kit = Kit(mesh, f"{node.url}/again")
    (kit.places / "again").mkdir(parents=True)
    (kit.places / "again/0-of-4.new").touch()  # a kill at the very first write
    for first in (0, 10):
        node.create("again")
        node.fill("again", made(10, first).items())
        kit.start()
        kit.end()
        node.ask("DELETE", "/again")
    assert landed(mesh, 20) == expected({**made(10), **made(10, 10)})


def test_a_terminal_shows_documents_speed_and_time_left(node: OpenSearch, mesh: RunningMesh) -> None:
    documents = made(4000)
    node.create("shown")
    node.fill("shown", documents.items())
    tap = FaultyTap(f"http://127.0.0.1:{mesh.port}")
    tap.on("delay", times=None, path="taps", seconds=1.5)
    kit = Kit(mesh, f"{node.url}/shown", "--url", f"{tap.address}/taps/documents", "--slices", "1")
    shown, terminal = pty.openpty()
    kit.process = subprocess.Popen(kit.command, stdout=terminal, stderr=terminal, env={**os.environ, "TERM": "xterm", "COLUMNS": "150"})
    os.close(terminal)
    said = b""
    with contextlib.suppress(OSError):  # EIO: nobody has it open any more
        while chunk := os.read(shown, 65536):
            said += chunk
    os.close(shown)
    kit.end()
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said.decode())
    assert re.search(r"exporting ━+.* [1-3],\d{3} of 4,000 documents \d+\.\d MB/s \d:\d\d:\d\d", text), text
    assert re.search(r"4,000 documents, \d\.\d MB in \d+\.\d s \(\d+\.\d MB/s\)", text), text
    tap.down()
