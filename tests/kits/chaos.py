"""One kit's proof: what was sent, acknowledged, landed, quarantined, duplicated and lost, with the tap misbehaving in every way in between.

`python -m tests.kits.chaos [name ...]` prints the table. A new kit is a `Source` in SOURCES.
"""

import gzip
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from http.client import HTTPResponse
from pathlib import Path
from typing import Literal, get_args

from tests.kits.example import example
from tests.kits.faults import FaultyTap
from tests.kits.fluent_bit import FluentBit
from tests.kits.lambda_source import LambdaTelemetry
from tests.kits.opensearch_source import OpenSearchKit
from tests.kits.postgres_source import PostgresKit
from tests.kits.rest_source import RestApi
from tests.kits.sources import Collectd, Rsyslog, Source, SyslogNg, Way
from tests.kits.web_source import WebPage
from tests.local.conftest import RunningMesh

Fault = Literal["throttled", "killed", "refused", "restarted", "lost", "slow"]
FAULTS: tuple[Fault, ...] = get_args(Fault)
_ALL: tuple[type[Source], ...] = (
    FluentBit,
    Collectd,
    SyslogNg,
    Rsyslog,
    LambdaTelemetry,
    RestApi,
    OpenSearchKit,
    WebPage,
    PostgresKit,
)
SOURCES = {source.name: source for source in _ALL}
_POSTED = "^/taps/"  # a page is loaded through the proxy too
_QUIET_S = 45  # nothing new landed for so long, so nothing more will
TWICE_S = 2


@dataclass(frozen=True)
class Row:
    """Records; `acknowledged`: by the tap, whether or not the answer arrived, a key's repetition not counted again."""

    kit: str
    sent: int
    acknowledged: int
    landed: int
    quarantined: int
    duplicated: int
    lost: int


class CountingTap(FaultyTap):
    """Counts which records the tap behind it has acknowledged; `mark` is what each has once in a request."""

    def __init__(self, endpoint: str, mark: bytes) -> None:
        self.acknowledged, self._mark, self._counting = 0, mark, threading.Lock()
        super().__init__(endpoint)

    def forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[HTTPResponse, bytes]:
        answer, content = super().forward(method, path, headers, body)
        if answer.status == 200 and path.startswith("/taps/") and not json.loads(content).get("duplicate"):
            packed = {name.lower(): value for name, value in headers.items()}.get("content-encoding") == "gzip"
            with self._counting:
                self.acknowledged += (gzip.decompress(body) if packed else body).count(self._mark)
        return answer, content


def chaos(source: Source, folder: Path, faults: Sequence[Fault] = FAULTS, a_round: int = 50) -> Row:
    """Runs the source against the example mesh through a proxy that misbehaves; every round something else."""
    sent = len(faults) * a_round
    for name in ("mesh", "source"):
        (folder / name).mkdir(parents=True)
    with example(folder / "mesh") as mesh:
        tap = CountingTap(f"http://127.0.0.1:{mesh.port}", source.mark)
        token = folder / "token"
        token.write_text(mesh.run("token", "--as", source.person, "--tap", source.tap).stdout)
        way = Way(f"{tap.address}/taps/{source.tap}", token, folder / "source")
        source.start(way)
        try:
            for number, fault in enumerate(faults):
                source.emit(number * a_round, a_round)
                _misbehave(fault, mesh, tap, source, way)
            settled(source, mesh, sent, TWICE_S)
        finally:
            source.stop()
            tap.down()
        ids = settled(source, mesh, sent, TWICE_S)
        quarantined = mesh.query(f"select count(*) as n from _quarantine where tap = '{source.tap}'")[0]["n"]
    return Row(source.name, sent, tap.acknowledged, len(ids), quarantined, ids.total() - len(ids), sent - len(ids))


def _misbehave(fault: Fault, mesh: RunningMesh, tap: FaultyTap, source: Source, way: Way) -> None:
    match fault:
        case "throttled":  # and down behind its address
            for code in ("429", "429", "503", "500"):
                tap.on(code, path=_POSTED)
            time.sleep(3)
        case "killed":  # server and lander
            mesh.stop(how=9, group=True)  # type: ignore[arg-type]
            time.sleep(2)
            mesh.start()
        case "refused":
            tap.down()
            time.sleep(3)
            tap.up()
        case "restarted":  # the source itself
            tap.clear()
            source.stop()
            source.start(way)
            time.sleep(1)
        case "lost":  # an answer, and a request, on the way
            tap.on("lose-reply", path=_POSTED)
            tap.on("cut", path=_POSTED)
            time.sleep(3)
        case "slow":  # slower than a sender waits at first
            tap.on("delay", 1, path=_POSTED, seconds=8)
            tap.on("delay", 3, path=_POSTED, seconds=1)
            time.sleep(3)


def settled(source: Source, mesh: RunningMesh, sent: int, twice_s: float = 0) -> Counter[int]:
    """How often each number landed, once all are there or nothing more comes, and then so long for what comes twice."""
    ids, since = Counter[int](), time.monotonic()
    while True:
        found = Counter(row["id"] for row in mesh.query(source.ids))
        if found != ids:
            ids, since = found, time.monotonic()
        if len(ids) >= sent or time.monotonic() - since > _QUIET_S:
            time.sleep(twice_s)
            return Counter(row["id"] for row in mesh.query(source.ids))
        time.sleep(0.2)


def main(names: list[str]) -> None:
    """The table, a row as soon as it is known; exits 1 where a record was lost."""
    print(f"| {' | '.join(field.name for field in fields(Row))} |\n|{' --- |' * len(fields(Row))}")
    losing = []
    for name in names or SOURCES:
        with tempfile.TemporaryDirectory() as folder:
            row = chaos(SOURCES[name](), Path(folder))
        print(f"| {' | '.join(map(str, astuple(row)))} |", flush=True)
        losing += [row.kit] if row.lost else []
    if losing:
        sys.exit(f"lost records: {', '.join(losing)}")


if __name__ == "__main__":
    main(sys.argv[1:])
