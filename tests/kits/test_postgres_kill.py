"""pgbench, and kill -9 of kit, server and tap: the tables rebuilt from the lake are those of the database, row by row."""

import os
import random
import signal
import subprocess
import time
from functools import partial
from pathlib import Path

import pytest

from tests.kits.changes import TAPS, Kit, caught_up, difference, doubled
from tests.kits.example import running as mesh_running
from tests.kits.postgres import Postgres, running
from tests.local.conftest import RunningMesh

KILLS = int(os.environ.get("TAPMESH_POSTGRES_KILLS", "4"))
ROWS = 1000
TABLES = {
    "pgbench_accounts": ["aid"],
    "pgbench_tellers": ["tid"],
    "pgbench_branches": ["bid"],
    "pgbench_history": [],
    "orders": ["id", "line"],
}
LOAD = f"""
\\set aid random(1, {ROWS})
\\set tid random(1, 10)
\\set id random(1, 300)
\\set other random(1, 300)
\\set delta random(-5000, 5000)
\\set seldom random(1, 200)
begin;
update pgbench_accounts set abalance = abalance + :delta where aid = :aid;
update pgbench_tellers set tbalance = tbalance + :delta where tid = :tid;
update pgbench_branches set bbalance = bbalance + :delta where bid = 1;
insert into pgbench_history (tid, bid, aid, delta, mtime) values (:tid, 1, :aid, :delta, current_timestamp);
insert into orders values (:id, 1, :delta / 7.0, repeat('x', :seldom * 30)) on conflict (id, line) do update set amount = orders.amount + 1;
delete from orders where id = :other and line = 1;
update orders set line = (select max(line) + 1 from orders where id = :other + 1) where id = :other + 1 and line = 1;
end;
\\if :seldom = 1
truncate orders;
\\endif
"""


def prepare(server: Postgres) -> None:
    assert server.pgbench("-i", "-q").wait() == 0
    server.ask(f"delete from pgbench_accounts where aid > {ROWS}; alter table pgbench_history replica identity full")
    server.ask("create table orders (id int, line int, amount numeric, note text, primary key (id, line))")
    server.ask("alter table orders alter note set storage external; alter table orders replica identity full")


def load(server: Postgres, folder: Path) -> subprocess.Popen[bytes]:
    (folder / "load.sql").write_text(LOAD)
    return server.pgbench("-n", "-c", "2", "-T", "3000", "-R", "60", "-f", str(folder / "load.sql"))


def kill(which: str, server: Postgres, mesh: RunningMesh, kit: Kit) -> None:
    """Kills it hard and starts it again."""
    if which == "kit":
        kit.kill()
        kit.start()
    elif which == "server":
        server.stop(signal.SIGKILL)
        server.start()
    else:
        mesh.stop(signal.SIGKILL)
        mesh.start()


def progress(mesh: RunningMesh, kit: Kit) -> None:
    """Waits for two batches, of which the copy's end may be one: a kill without anything sent since the last proves little."""
    for _ in range(2):
        before = kit.point()
        mesh.wait_for(partial(lambda known: kit.point() > known, before), f"another batch\n{kit.log.read_text()}", within_s=120)


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("plugin", ["wal2json", "pgoutput"])
def test_kill_9_of_kit_server_and_tap_loses_and_doubles_nothing(tmp_path: Path, plugin: str) -> None:
    dice = random.Random(plugin)
    with running() as server, mesh_running(tmp_path, TAPS) as mesh:
        prepare(server)
        kit = Kit(mesh, server, list(TABLES), "--plugin", plugin)
        bench = load(server, tmp_path)
        kit.start()
        try:
            time.sleep(dice.uniform(0.5, 2))  # somewhere in the copy, or before it
            for number in range(KILLS):
                kill(("kit", "server", "tap")[number % 3], server, mesh, kit)
                if bench.poll() is not None:
                    bench = load(server, tmp_path)
                progress(mesh, kit)
                time.sleep(dice.uniform(0, 1.2))
            bench.kill()
            bench.wait()
            mesh.wait_for(
                lambda: server.ask("select count(*) from pg_stat_activity where application_name = 'pgbench'") == [(0,)], "pgbench"
            )
            caught_up(server, mesh, kit)
            assert kit.stop() == 0, kit.log.read_text()
            mesh.stop()
            assert doubled(mesh) == []
            assert {table: difference(server, mesh, table, keys) for table, keys in TABLES.items()} == dict.fromkeys(TABLES, [])
            actions = {row["action"]: row["n"] for row in mesh.query("select action, count(*) as n from changes group by action")}
            assert set(actions) >= set("SIUD")
            print(f"{plugin}: {KILLS} kills, {sum(actions.values()):,} changes, each once: {actions}")
        finally:
            kit.kill()
            bench.kill()
