"""`tapmesh kit opensearch` as the chaos harness drives it: each emission is an index, exported by a kit of its own."""

import atexit
import os
from contextlib import ExitStack

from tests.kits.opensearch import OpenSearch, running
from tests.kits.sources import TAPMESH, Program, Way, started_again


class OpenSearchKit:
    """A real node that outlives the kits; those that were stopped before they were through are started again."""

    name, tap, person, mark = "opensearch", "search_export", "analyst", b'"number":'
    ids = "select (document ->> 'number')::int as id from search_export where index_name like 'chaos-%'"

    def __init__(self) -> None:
        self._node: OpenSearch | None = None
        self._kits: dict[str, Program] = {}

    def start(self, way: Way) -> None:
        self._way = way
        if self._node is None:
            stack = ExitStack()
            self._node = stack.enter_context(running())
            atexit.register(stack.close)
        for index in self._kits:
            self._export(index)

    def emit(self, first: int, count: int) -> None:
        assert self._node is not None
        index = f"chaos-{first}"
        self._node.create(index, shards=2)
        self._node.fill(index, ((str(number), b'{"number":%d}' % number) for number in range(first, first + count)))
        self._export(index)

    def stop(self) -> None:
        for kit in self._kits.values():
            if kit.process.poll() is None:
                kit.stop()

    def _export(self, index: str) -> None:
        assert self._node is not None
        way = self._way
        words = ["--from", f"{self._node.url}/{index}", "--to", self.tap, "--url", way.url, "--state", str(way.folder / "places")]
        environment = {**os.environ, "TAP_TOKEN_COMMAND": f"cat {way.token_file}"}
        self._kits[index] = started_again([TAPMESH, "kit", "opensearch", *words], way.folder, environment, f"{index}.log")
