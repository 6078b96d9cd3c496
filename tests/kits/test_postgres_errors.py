"""What keeps `tapmesh kit postgres` from starting: one clear line and a next step each, from a real server."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kits.changes import TAPS, Kit
from tests.kits.example import running as mesh_running
from tests.kits.postgres import PLUGINS, Postgres, restricts_plugins, running
from tests.local.conftest import RunningMesh

WAL2JSON_ALLOWED = "ALTER SYSTEM SET output_plugin_libraries = pgoutput, test_decoding, wal2json"
WRONG = [
    # words, what it says, what it advises
    ("--from postgresql://[", "--from is not a connection URL", "postgresql://user@host:5432/database"),
    ("--from host=127.0.0.1%port=9", "Connection refused", "--from names them"),
    ("--from postgresql://nowhere.invalid/shop", "could not translate host name", "--from names them"),
    ("--from URL/nothing", 'database "nothing" does not exist', "--from postgresql://"),
    ("--from URL/postgres?user=nobody", 'role "nobody" does not exist', "--from postgresql://"),
    ("--from URL/postgres?user=locked", "no password supplied", "PGPASSWORD"),
    ("--from URL/postgres?user=locked&password=wrong", "password authentication failed", "PGPASSWORD"),
    ("--from URL/postgres?user=plain", "must be superuser or replication role to start walsender", "ALTER ROLE <user> REPLICATION"),
    ("--from URL/postgres?user=reader --plugin pgoutput --publication whole", "permission denied for table orders", "GRANT SELECT"),
    ("--from URL/postgres?user=reader --plugin pgoutput", "permission denied for database postgres", "CREATE PUBLICATION"),
    ("--plugin wal2json", 'could not access file "wal2json"', "--plugin pgoutput"),
    ("--table nothing", "--table public.nothing: no such table", "tables there: public.nokey, public.orders"),
    ("--table nokey", "public.nokey has no primary key", 'ALTER TABLE "public"."nokey" REPLICA IDENTITY FULL'),
    ("--table seen", "--table public.seen: not a plain table", ""),
    ("--plugin test_decoding", "invalid value for '--plugin'", "tapmesh kit postgres --help"),
    ("--slot theirs", "the slot theirs is of test_decoding", "--slot"),
    ("--slot Not-A-Name", 'replication slot name "Not-A-Name" contains invalid character', "lower case letters"),
    ("--plugin pgoutput --publication half", "the publication half leaves out public.orders", "ALTER PUBLICATION"),
    ("--plugin pgoutput --publication added", "the publication added leaves out some kinds of changes", "ALTER PUBLICATION"),
    ("--url http://127.0.0.1:9/taps/changes", "http://127.0.0.1:9/taps/changes cannot be reached: Connection refused", "tapmesh dev"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """One without wal2json, whoever has installed it."""
    with running() as started:
        own = started.folder / "plugins"
        own.mkdir()
        for plugin in ("pgoutput", "test_decoding"):
            (own / f"{plugin}.so").symlink_to(PLUGINS / f"{plugin}.so")
        (started.folder / "plugins").chmod(0o755)
        hba = started.folder / "data/pg_hba.conf"
        hba.write_text("host all locked 127.0.0.1/32 scram-sha-256\n" + hba.read_text())
        started.ask(f"alter system set dynamic_library_path = '{own}'")
        started.ask("create role plain login; create role reader login replication; create role locked login password 'secret'")
        started.ask("create table orders (id int primary key); create table nokey (id int)")
        started.ask("create view seen as table orders; create publication half for table nokey")
        started.ask("create publication whole for table orders")
        started.ask("create publication added for table orders with (publish = 'insert')")
        started.ask("select pg_reload_conf()")
        started.ask("select pg_create_logical_replication_slot('theirs', 'test_decoding')")
        yield started


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    with mesh_running(tmp_path_factory.mktemp("mesh"), TAPS) as started:
        yield started


def said(mesh: RunningMesh, server: Postgres, words: str) -> tuple[int, str]:
    """Exit code and stderr; a state folder of its own each time."""
    base = f"postgresql://postgres@127.0.0.1:{server.port}"
    given = [word.replace("URL", base).replace("%", " ") for word in words.split()]
    tables = [] if "--table" in given else ["orders"]
    state = mesh.folder / re.sub(r"\W", "", words)[:60]
    done = subprocess.run([*Kit(mesh, server, tables).command, *given, "--state", str(state)], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stderr


@pytest.mark.parametrize(("words", "what", "hint"), WRONG, ids=[words for words, *_ in WRONG])
def test_what_keeps_it_from_starting_is_one_line_and_a_next_step(
    mesh: RunningMesh, server: Postgres, words: str, what: str, hint: str
) -> None:
    code, err = said(mesh, server, words)
    server.ask("select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name <> 'theirs'")
    assert code in (1, 2), err
    errors = [line for line in err.splitlines() if not line.startswith("made the slot")]
    assert len(errors) == 2, err
    assert (errors[0].startswith("error: "), what in errors[0]) == (True, True), err
    assert (errors[1].startswith("hint: "), hint in errors[1]) == (True, True), err
    assert "wrong" not in err.replace("wrong:", "")


def test_without_wal2json_it_takes_what_the_server_brings(mesh: RunningMesh, server: Postgres, tmp_path: Path) -> None:
    kit = Kit(mesh, server, ["orders"], "--slot", "own", "--state", str(tmp_path))
    kit.start()
    mesh.wait_for(lambda: "made the slot own (pgoutput)" in kit.log.read_text(), "the slot")
    assert kit.stop() == 0, kit.log.read_text()


def test_where_wal2json_is_not_allowed_it_takes_what_the_server_brings(mesh: RunningMesh, tmp_path: Path) -> None:
    with running() as server:
        server.ask("create table orders (id int primary key)")
        if restricts_plugins():
            server.ask("alter system set output_plugin_libraries = pgoutput, test_decoding")
            server.ask("select pg_reload_conf()")
            code, err = said(mesh, server, "--plugin wal2json --slot barred")
            assert (code, 'error: PostgreSQL: library "wal2json" may not be used' in err, WAL2JSON_ALLOWED in err) == (1, True, True), err
        kit = Kit(mesh, server, ["orders"], "--slot", "ours", "--state", str(tmp_path))
        kit.start()
        plugin = "pgoutput" if restricts_plugins() else "wal2json"
        mesh.wait_for(lambda: f"made the slot ours ({plugin})" in kit.log.read_text(), "the slot")
        assert kit.stop() == 0, kit.log.read_text()


def test_a_place_that_is_none_is_said_and_anew_begins_again(mesh: RunningMesh, server: Postgres, tmp_path: Path) -> None:
    (tmp_path / "postgres-broken.json").write_bytes(b"")
    kit = Kit(mesh, server, ["orders"], "--slot", "broken", "--state", str(tmp_path))
    done = subprocess.run(kit.command, capture_output=True, text=True, timeout=60)
    error, hint = done.stderr.splitlines()
    assert (done.returncode, f"error: {tmp_path}/postgres-broken.json is no place of a kit" in error) == (1, True), error
    assert hint == "hint: --anew begins again with the tables as they are now"
    kit.command += ["--anew"]
    kit.start()
    mesh.wait_for(lambda: "made the slot broken" in kit.log.read_text(), "the slot")
    assert kit.stop() == 0, kit.log.read_text()


def test_a_server_that_does_not_decode_is_told_how_to(mesh: RunningMesh) -> None:
    with running("wal_level = replica") as server:
        server.ask("create table orders (id int primary key)")
        code, err = said(mesh, server, "--slot any")
        assert (code, "logical decoding requires wal_level >= logical" in err, "ALTER SYSTEM SET wal_level = logical" in err) == (
            1,
            True,
            True,
        )


def once(mesh: RunningMesh, kit: Kit, slot: str) -> None:
    """Started until its slot is there, and stopped."""
    kit.start()
    mesh.wait_for(lambda: f"made the slot {slot}" in kit.log.read_text(), "the slot")
    assert kit.stop() == 0, kit.log.read_text()


def again(kit: Kit) -> list[str]:
    """What it ends with when it is started again."""
    done = subprocess.run(kit.command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done.stderr
    return [line for line in done.stderr.splitlines() if line.startswith(("error: ", "hint: "))]


def test_a_slot_that_went_before_a_first_change_came_is_missed(mesh: RunningMesh, server: Postgres, tmp_path: Path) -> None:
    """Without a first copy too: another slot would begin behind what changed meanwhile."""
    kit = Kit(mesh, server, ["orders"], "--slot", "fresh", "--no-snapshot", "--state", str(tmp_path))
    once(mesh, kit, "fresh")
    server.ask("select pg_drop_replication_slot('fresh')")
    error, hint = again(kit)
    assert error == "error: the slot fresh is gone, and with it the changes since the last start"
    assert "--anew begins again" in hint


def test_changes_from_before_their_publication_are_given_up_with_anew_alone(mesh: RunningMesh, server: Postgres, tmp_path: Path) -> None:
    kit = Kit(mesh, server, ["orders"], "--slot", "unpublished", "--plugin", "pgoutput", "--state", str(tmp_path))
    once(mesh, kit, "unpublished")
    server.ask("drop publication unpublished")
    server.ask("insert into orders values (77)")
    error, hint = again(kit)
    assert error == 'error: PostgreSQL: publication "unpublished" does not exist'
    assert "--anew begins again" in hint


def test_a_slot_that_the_server_gave_up_is_begun_anew_alone(mesh: RunningMesh, tmp_path: Path) -> None:
    with running("max_slot_wal_keep_size = '1MB'") as server:
        server.ask("create table orders (id int primary key)")
        kit = Kit(mesh, server, ["orders"], "--slot", "full", "--plugin", "pgoutput", "--state", str(tmp_path))
        once(mesh, kit, "full")
        for number in range(4):
            server.ask("insert into orders values (%s)", number)
            server.ask("select pg_switch_wal()")
        server.ask("checkpoint")
        error, hint = again(kit)
    assert 'replication slot "full"' in error
    assert "max_slot_wal_keep_size says: --anew begins again" in hint
