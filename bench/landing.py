"""Landing 10 MB of web events: against a bare DuckDB COPY of the same rows and the ancestor's statement; peak memory at 1, 10, 50 MB."""

import datetime as dt
import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import duckdb
from _land import lander
from _mesh import SENDER, TAP, OneTap, events, padded, requests
from _targets import Targets

RECORDS = 45_000
ROUNDS = 21
MOST_MB = 110
LANDING, FIRST = "landing", "landing, the first of a process"
BARE, OWN = "bare COPY, sender and time on each line", "the same, in an instance made for it"
PLAIN, ANCESTOR = "bare COPY without sender and time", "the ancestor's statement"
STARTED, APART = dt.datetime(2026, 11, 23, 8, 0, 0, 123456), dt.timedelta(microseconds=1_307)
SAME = "select eventType, ts, x, y, url, session, _received_at, _sender from events"
DECLARED = {"eventType": "VARCHAR", "ts": "TIMESTAMP", "x": "INTEGER", "y": "INTEGER", "url": "VARCHAR", "session": "VARCHAR"}


@dataclass(frozen=True)
class Case:
    """What is landed, and how much slower than the bare COPY it may be."""

    name: str
    requests: int
    extra: bool
    target: float


CASES = (
    Case("450 requests", 450, False, 1.25),
    Case("45,000 requests", RECORDS, False, 1.25),
    Case("450 requests, half of the rows with extra fields", 450, True, 1.6),
)


@dataclass(frozen=True)
class Took:
    """Seconds of one run: on the clock, and of this process's CPU, which other work on the machine lengthens less."""

    wall: float
    cpu: float


def timed(run: Callable[[], object]) -> Took | None:
    """What `run` takes; None: DuckDB ran out of memory."""
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        run()
    except duckdb.OutOfMemoryException:
        return None
    return Took(time.perf_counter() - wall, time.process_time() - cpu)


def connected() -> duckdb.DuckDBPyConnection:
    """DuckDB as it comes, but for the one thread and room for 32 MiB a file, which it reserves and hardly touches."""
    return duckdb.connect(":memory:", config={"threads": 1, "memory_limit": "40GB"})


def copy(query: str, target: Path) -> str:
    """The bare statement."""
    return f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)"


def typed(file: Path, columns: dict[str, str]) -> str:
    """All rows of an NDJSON file with declared columns."""
    declared = ", ".join(f"\"{name}\": '{kind}'" for name, kind in columns.items())
    return f"SELECT * FROM read_json('{file}', format='newline_delimited', columns={{{declared}}})"


def ancestor(folder: Path) -> str:
    """The statement of the system this one replaces: one file a request, types found by looking."""
    files = ", ".join(f"'{path}'" for path in sorted(folder.iterdir()))
    return f"select * from read_json_auto([{files}], ignore_errors=true, union_by_name=true, maximum_depth=2)"


class Landings:
    """One lander, as a process has it, and fresh copies of one sealed batch for it to land."""

    def __init__(self, mesh: Path, batch: str, folder: Path) -> None:
        self._mesh, self._batch, self._root, self._room = mesh, batch, folder / "round", folder / "room"
        self._lander = lander(self._root, self._room)

    def land(self, first: bool) -> Took | None:
        """Lands one copy; the disk is idle again before the clock starts. `first`: by a lander that has landed nothing before."""
        shutil.copytree(self._mesh, self._root, dirs_exist_ok=True)
        os.sync()
        landing = lander(self._root, self._room) if first else self._lander
        try:
            return timed(lambda: landing.land_spooled(TAP, self._batch))
        finally:
            shutil.rmtree(self._root)


def write_inputs(folder: Path, lines: list[bytes], bodies: list[bytes]) -> None:
    """The same rows for the others: alone, with sender and its request's time on each line, one file a request."""
    (folder / "plain.ndjson").write_bytes(b"".join(lines))
    (folder / "files").mkdir()
    (folder / "landings").mkdir()
    with (folder / "named.ndjson").open("wb") as named:
        for number, body in enumerate(bodies):
            (folder / "files" / f"{number:06}.json").write_bytes(body)
            envelope = f',"sender":"{SENDER}","time":"{(STARTED + number * APART).isoformat()}Z"}}\n'.encode()
            named.writelines(line[:-2] + envelope for line in body.splitlines(keepends=True))


def contender(name: str, mesh: Path, batch: str, folder: Path) -> Callable[[], Took | None]:
    """What is timed under a name."""
    out = folder / "out.parquet"
    if name in (LANDING, FIRST):
        landings = Landings(mesh, batch, folder / "landings")
        return lambda: landings.land(first=name == FIRST)
    named = typed(folder / "named.ndjson", DECLARED | {"sender": "VARCHAR", "time": "TIMESTAMP"})
    statements = {BARE: named, OWN: named, PLAIN: typed(folder / "plain.ndjson", DECLARED), ANCESTOR: ancestor(folder / "files")}
    statement, connection = copy(statements[name], out), connected()
    return lambda: timed(lambda: (connected() if name == OWN else connection).execute(statement))


def serve(name: str, mesh: Path, batch: str, folder: Path, turns: Connection) -> None:
    """One contender at its turns, in a process of its own: DuckDB's instances in one process share the pages of their allocator."""
    run = contender(name, mesh, batch, folder)
    while turns.recv():
        turns.send(run())


def compare(case: Case, folder: Path, targets: Targets) -> None:
    """Runs one case, the contenders by turns, and prints the ratios of their medians."""
    lines = list(events(RECORDS, case.extra))
    bodies = requests(lines, case.requests)
    write_inputs(folder, lines, bodies)
    tap = OneTap(folder, sql="select * exclude (_batch, _request) from events" if case.extra else SAME)
    batch = tap.sealed(bodies)
    times: dict[str, list[Took]] = {name: [] for name in (LANDING, FIRST, BARE, OWN, PLAIN, ANCESTOR)}
    spawn = multiprocessing.get_context("spawn")
    turns = {}
    for name in times:
        turns[name], theirs = spawn.Pipe()
        spawn.Process(target=serve, args=(name, tap.workspace.root, batch, folder, theirs), daemon=True).start()
    for turn in range(ROUNDS + 1):
        for name in list(turns):
            turns[name].send(True)
            took = turns[name].recv()
            if took is None:
                turns.pop(name).send(False)  # it will again
            elif turn:  # the first warms it
                times[name].append(took)
    for left in turns.values():
        left.send(False)
    report(case, times, sum(map(len, lines)), targets)


def report(case: Case, times: dict[str, list[Took]], size: int, targets: Targets) -> None:
    """Prints a case's times, and the ratios of landing's turns to the others' next ones: the machine's speed drifts."""
    print(f"\n{case.name}: {RECORDS:,} records, {size / 1e6:.1f} MB, median of {ROUNDS}; landing as a multiple of it")
    ratios = {}
    for name, found in times.items():
        if not found:
            print(f"  {name:40} ran out of 40 GB")
            continue
        pairs = list(zip(times[LANDING], found, strict=True))
        took = middle(found)
        ratio = middle([Took(landing.wall / other.wall, landing.cpu / other.cpu) for landing, other in pairs])
        ratios[name] = ratio.wall
        print(f"  {name:40} {took.wall * 1000:6,.0f} ms {ratio.wall:5.2f}   CPU {took.cpu * 1000:6,.0f} ms {ratio.cpu:5.2f}", flush=True)
    print(f"  at most {case.target} of the bare COPY: {targets.verdict(case.name, ratios[BARE] <= case.target)}", end="; ")
    beaten = targets.verdict(f"{case.name}, {ANCESTOR}", ratios[ANCESTOR] < 1) if ANCESTOR in ratios else "that did not finish"
    print(f"faster than the ancestor's: {beaten}", flush=True)


def middle(found: list[Took]) -> Took:
    """The medians."""
    return Took(statistics.median(took.wall for took in found), statistics.median(took.cpu for took in found))


def memory(name: str, lines: list[bytes], folder: Path, targets: Targets) -> None:
    """Prints the peak memory of a process that lands one batch of these records."""
    tap = OneTap(folder)
    batch = tap.sealed(requests(lines, len(lines) // 100))
    command = (sys.executable, str(Path(__file__).with_name("_land.py")), str(tap.workspace.root), TAP, batch)
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode:
        print(f"  {name}: {targets.verdict(f'memory, {name}', met=False)}: {done.stderr.strip().splitlines()[-1]}")
        return
    found = json.loads(done.stdout)
    peak = f"{found['peak_mb']:.0f} MB ({found['imported_mb']:.0f} MB before it starts)"
    within = targets.verdict(f"memory, {name}", found["peak_mb"] <= MOST_MB)
    print(f"  {name}: {found['rows']:,} rows, {found['quarantined']} quarantined, peak {peak}: {within}")


def shapes() -> Iterator[tuple[str, list[bytes]]]:
    """Batches by name: web events, and large records within the schema and outside it."""
    for megabytes, extra in ((1, False), (10, False), (50, False), (50, True)):
        yield f"{megabytes} MB{', half with extra fields' if extra else ''}", list(events(megabytes * RECORDS // 10, extra))
    for size in (1_000, 20_000):
        large = list(padded(events(9_000_000 // size), size))
        yield f"9 MB of records of {size:,} bytes", large
        yield f"9 MB of records of {size:,} bytes in fields that are not declared", [line.replace(b'"url":', b'"page":') for line in large]


def in_folder(run: Callable[[Path], None]) -> None:
    """Runs something in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="tapmesh-bench-") as name:
        run(Path(name))


if __name__ == "__main__":
    kept = Targets()
    for each in CASES:
        in_folder(lambda folder, case=each: compare(case, folder, kept))
    print(f"\npeak memory of a process that only lands (VmHWM); target: at most {MOST_MB} MB")
    for shape, records in shapes():
        in_folder(lambda folder, shape=shape, records=records: memory(shape, records, folder, kept))
    kept.end()
