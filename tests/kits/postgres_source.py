"""`tapmesh kit postgres` as the chaos harness drives it: each record is a transaction that inserts an order."""

import atexit
import os
import time
from contextlib import ExitStack

from tests.kits.postgres import Postgres, running
from tests.kits.sources import TAPMESH, Program, Way

_FOLLOWED = "select 1 from pg_replication_slots where active"


class PostgresKit:
    """A real server that outlives the kits."""

    name, tap, person, mark = "postgres", "orders_cdc", "analyst", b'"order_id":'
    ids = "select order_id as id from orders_cdc where action in ('S', 'I')"

    def __init__(self) -> None:
        self._server: Postgres | None = None

    def start(self, way: Way) -> None:
        """Until the slot is read: what is emitted then comes from the server's log, not from the copy of the table."""
        if self._server is None:
            stack = ExitStack()
            self._server = stack.enter_context(running())
            atexit.register(stack.close)
            self._server.ask("create table orders (order_id int primary key, amount numeric, status text)")
        words = ["--from", self._server.url(), "--table", "orders", "--to", self.tap, "--url", way.url, "--state", "places"]
        token = {"TAP_TOKEN_COMMAND": f"cat {way.token_file}"}
        self._kit = Program([TAPMESH, "kit", "postgres", *words], way.folder, {**os.environ, **token}, "kit.log")
        while not self._server.ask(_FOLLOWED):
            assert self._kit.process.poll() is None, (way.folder / "kit.log").read_text()
            time.sleep(0.1)

    def emit(self, first: int, count: int) -> None:
        assert self._server is not None
        for number in range(first, first + count):
            self._server.ask("insert into orders values (%s, 12.50, 'new')", number)

    def stop(self) -> None:
        self._kit.stop()
