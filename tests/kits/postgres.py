"""A real PostgreSQL 15 in a folder of its own: started, asked, killed."""

import contextlib
import getpass
import os
import pwd
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2

from tests.emulated.bring import apt, free_port

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
PLUGINS = Path("/usr/lib/postgresql/15/lib")
_PACKAGES = "postgresql-15 postgresql-15-wal2json"
_SETTINGS = """
listen_addresses = '127.0.0.1'
wal_level = logical
checkpoint_timeout = 30s
max_connections = 40
"""


def bring() -> None:
    """Sees to it that the server and wal2json are installed."""
    apt(lambda: (PROGRAMS / "postgres").exists() and (PLUGINS / "wal2json.so").exists(), _PACKAGES)


def restricts_plugins() -> bool:
    """Whether this minor release has `output_plugin_libraries`; an older one does not start with a setting it does not know."""
    described = subprocess.run([str(PROGRAMS / "postgres"), "--describe-config"], capture_output=True, text=True, check=True)
    return "output_plugin_libraries" in described.stdout


class Postgres:
    """One server, which allows wal2json. As root it runs as the user postgres, since it refuses to be root."""

    def __init__(self, folder: Path, settings: str = "") -> None:
        self.folder, self.port = folder, free_port()
        self._user = "postgres" if os.geteuid() == 0 else getpass.getuser()
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
        self._run("initdb", "-D", str(folder / "data"), "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale", "C")
        with (folder / "data/postgresql.conf").open("a") as file:
            file.write(f"{_SETTINGS}unix_socket_directories = '{folder}'\nport = {self.port}\n{settings}\n")
            file.write("output_plugin_libraries = 'pgoutput, test_decoding, wal2json'\n" if restricts_plugins() else "")

    def _run(self, program: str, *words: str) -> None:
        environment = {**os.environ, "PGOPTIONS": ""}
        subprocess.run([str(PROGRAMS / program), *words], check=True, user=self._user, env=environment, stdout=subprocess.DEVNULL)

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        """For a client."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Starts it and waits until it answers; after a kill its children may take a moment to be gone."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if self._process is None or self._process.poll() is not None:
                with (self.folder / "log").open("ab") as log:
                    command = [str(PROGRAMS / "postgres"), "-D", str(self.folder / "data")]
                    self._process = subprocess.Popen(command, user=self._user, stdout=log, stderr=log, start_new_session=True)
            with contextlib.suppress(psycopg2.OperationalError):
                self.ask("select 1")
                return
            time.sleep(0.1)
        raise AssertionError((self.folder / "log").read_text()[-3000:])

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: its fast shutdown."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None

    def ask(self, sql: str, *values: object, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Rows, where the statement has some."""
        connection = psycopg2.connect(self.url(database), options="-c timezone=UTC", connect_timeout=10)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql, values or None)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def pgbench(self, *words: str) -> subprocess.Popen[bytes]:
        """PostgreSQL's own load, under way."""
        command = [str(PROGRAMS / "pgbench"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", *words, "postgres"]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@contextlib.contextmanager
def running(settings: str = "") -> Iterator[Postgres]:
    """A server with a short path, as its socket wants it."""
    bring()
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        server = Postgres(Path(folder), settings)
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGKILL)
            time.sleep(0.2)  # its children write until they notice
