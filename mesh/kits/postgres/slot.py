"""The slot PostgreSQL keeps changes in for a kit: looked up or made, with the plugin that decodes them."""

from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2.errors import InsufficientPrivilege, UndefinedFile
from psycopg2.extras import LogicalReplicationConnection

from mesh.kits.delivery import KitFailed
from mesh.kits.postgres import pgoutput, wal2json
from mesh.kits.postgres.changes import lsn_number
from mesh.kits.postgres.place import Source
from mesh.kits.postgres.tables import Table
from mesh.kits.postgres.words import lacks_plugin

PLUGINS = ("wal2json", "pgoutput")
_SESSION = "-c timezone=UTC -c datestyle=ISO,YMD -c intervalstyle=postgres -c bytea_output=hex -c extra_float_digits=1"
_CONNECT_S = 10


@dataclass(frozen=True)
class Database:
    """Where it is (a URL or a DSN; what it leaves out is libpq's environment), and what is followed of it by which slot."""

    url: str
    tables: tuple[Table, ...]
    slot: str
    publication: str

    def sql(self) -> Any:
        """A connection for SQL, in which values are written as the slot's are."""
        return self._connect(None)

    def replication(self) -> Any:
        """A connection for the replication protocol."""
        return self._connect(LogicalReplicationConnection)

    def _connect(self, factory: Any) -> Any:
        connection = psycopg2.connect(
            self.url, connection_factory=factory, options=_SESSION, connect_timeout=_CONNECT_S, client_encoding="UTF8"
        )
        if factory is None:
            connection.set_session(autocommit=True)
        return connection

    def source(self, replication: Any) -> Source:
        """What says that it is the same database, with the same history, as the last time."""
        cursor = replication.cursor()
        cursor.execute("IDENTIFY_SYSTEM")
        system, timeline, _, database = cursor.fetchone()
        return Source(system, int(timeline), database, tuple(map(str, sorted(self.tables))))


@dataclass(frozen=True)
class Made:
    """A new slot: its changes begin at `lsn`, and `snapshot` shows the tables as they were there."""

    plugin: str
    lsn: int
    snapshot: str


def plugin_of(sql: Any, database: Database) -> str | None:
    """The plugin of the slot, None where there is no such slot; raises KitFailed where it cannot be ours."""
    sql.execute("select plugin, database, current_database() from pg_replication_slots where slot_name = %s", (database.slot,))
    found = sql.fetchone()
    if found is None:
        return None
    plugin, its, ours = found
    if plugin not in PLUGINS or its != ours:
        raise KitFailed(f"the slot {database.slot} is of {plugin} in the database {its}", "name another one with --slot, it is made then")
    return str(plugin)


def make(sql: Any, replication: Any, database: Database, plugin: str | None) -> Made:
    """A new slot, with wal2json where the server has and allows it and none is named; waits for transactions that are open now."""
    cursor = replication.cursor()
    for each in (plugin,) if plugin else PLUGINS:
        if each == "pgoutput":
            publish(sql, database)
        try:
            cursor.create_replication_slot(database.slot, output_plugin=each)
        except (UndefinedFile, InsufficientPrivilege) as error:
            if plugin or each == PLUGINS[-1] or not lacks_plugin(error):
                raise
            continue
        _, lsn, snapshot, _ = cursor.fetchone()
        return Made(each, lsn_number(lsn), snapshot)
    raise AssertionError("the last plugin raises")


def drop(sql: Any, database: Database) -> None:
    """Lets the server forget what it keeps for the kit."""
    sql.execute("select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = %s", (database.slot,))


def publish(sql: Any, database: Database) -> None:
    """Sees to it that pgoutput publishes all there is of the tables; raises KitFailed where a publication that is there leaves out some."""
    sql.execute(
        "select pubinsert and pubupdate and pubdelete and pubtruncate from pg_publication where pubname = %s", (database.publication,)
    )
    found = sql.fetchone()
    name = '"' + database.publication.replace('"', '""') + '"'
    if found is None:
        sql.execute(f"create publication {name} for table {', '.join(table.quoted() for table in database.tables)}")
        return
    sql.execute("select schemaname, tablename from pg_publication_tables where pubname = %s", (database.publication,))
    published = {Table(*row) for row in sql.fetchall()}
    if missing := [table for table in database.tables if table not in published]:
        hint = f"ALTER PUBLICATION {name} ADD TABLE {', '.join(table.quoted() for table in missing)}"
        raise KitFailed(f"the publication {database.publication} leaves out {', '.join(map(str, missing))}", hint)
    if not found[0]:
        hint = f"ALTER PUBLICATION {name} SET (publish = 'insert, update, delete, truncate')"
        raise KitFailed(f"the publication {database.publication} leaves out some kinds of changes", hint)


def reader(database: Database, plugin: str) -> tuple[wal2json.Wal2Json | pgoutput.PgOutput, dict[str, str]]:
    """What reads the plugin's messages, and the options it is started with."""
    if plugin == "wal2json":
        return wal2json.Wal2Json(), wal2json.options(database.tables)
    return pgoutput.PgOutput(lambda oid, modifier: _kind(database, oid, modifier)), pgoutput.options(database.publication)


def _kind(database: Database, oid: int, modifier: int) -> str:
    connection = database.sql()
    try:
        cursor = connection.cursor()
        cursor.execute("select format_type(%s, %s)", (oid, modifier))
        return str(cursor.fetchone()[0])
    finally:
        connection.close()
