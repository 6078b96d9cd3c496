"""An index of 200,000 documents of 1 KB from a real OpenSearch node to the lake, MB/s, and the ratio to only reading it. `--documents`."""

import argparse
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from _mesh import events, padded
from _targets import Targets

sys.path.insert(0, str(Path(__file__).parents[1]))

from mesh.kits.opensearch.cluster import Cluster, Login  # noqa: E402
from mesh.kits.opensearch.index import indices  # noqa: E402
from mesh.kits.opensearch.lines import line  # noqa: E402
from mesh.kits.opensearch.pages import START, PointInTime, Slice, reader  # noqa: E402
from tests.kits.example import running as mesh_running  # noqa: E402
from tests.kits.opensearch import TAPS, Kit, OpenSearch, running  # noqa: E402
from tests.local.conftest import RunningMesh  # noqa: E402

TARGET_MB_S = 9.0
SLICES = 4
ROUNDS = 3


def only_read(node: OpenSearch, index: str) -> float:
    """MB/s of the records, made and dropped; as many slices at once as the kit has."""
    cluster = Cluster(node.url, Login(), print, lambda _: False)
    (found,) = indices(cluster, index)
    pages = reader(cluster, found)
    assert isinstance(pages, PointInTime)

    def read(number: int) -> int:
        return sum(len(line(hit)) for hits in pages.pages(Slice(found, number, SLICES), START) for hit in hits)

    started = time.perf_counter()
    with ThreadPoolExecutor(SLICES) as pool:
        size = sum(pool.map(read, range(SLICES)))
    elapsed_s = time.perf_counter() - started
    pages.close()
    return size / 1e6 / elapsed_s


def end_to_end(node: OpenSearch, mesh: RunningMesh, index: str, documents: int, sent_mb: float) -> tuple[float, float]:
    """MB/s from the kit's start, its interpreter's included, to its end, and to the last document's row in the lake."""
    kit = Kit(mesh, f"{node.url}/{index}", "--slices", str(SLICES))
    started = time.perf_counter()
    kit.start()
    kit.end(1200)
    stored_s = time.perf_counter() - started
    found = f"select count(distinct id) as n from documents where index_name = '{index}'"
    mesh.wait_for(lambda: mesh.query(found) == [{"n": documents}], "all rows", within_s=300)
    return sent_mb / stored_s, sent_mb / (time.perf_counter() - started)


def main() -> None:
    """Each round an index of its own name, since the tap counts what it knows once; the medians count."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--documents", type=int, default=200_000)
    asked.add_argument("--rounds", type=int, default=ROUNDS)
    given = asked.parse_args()
    results = []
    with running() as node, tempfile.TemporaryDirectory() as folder, mesh_running(Path(folder), TAPS) as mesh:
        for number in range(given.rounds):
            index = f"round{number}"
            node.create(index, shards=2)
            node.fill(index, ((f"d{n}", each[:-1]) for n, each in enumerate(padded(events(given.documents)))))
            read = only_read(node, index)
            sent_mb = 0.001 * given.documents
            stored, landed = end_to_end(node, mesh, index, given.documents, sent_mb)
            results.append((stored, landed, read))
            print(f"stored {stored:.1f} MB/s, landed {landed:.1f}, only read {read:.1f}: {stored / read:.2f} of it", flush=True)
            node.ask("DELETE", f"/{index}")
    stored, landed, read = (sorted(each)[len(results) // 2] for each in zip(*results, strict=True))
    targets = Targets()
    target = f"target {TARGET_MB_S:.0f}: {targets.verdict('stored', stored >= TARGET_MB_S)}"
    print(f"median: stored {stored:.1f} MB/s ({target}), landed {landed:.1f}, read {read:.1f}")
    targets.end()


if __name__ == "__main__":
    main()
