"""The tables as they were when the slot was made: a T for each, which ends what was known of it, then an S for each row."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from psycopg2.extensions import new_type, register_type

from mesh.cli.stop import Stop
from mesh.kits.bookmark import key
from mesh.kits.delivery import Delivery
from mesh.kits.gathering import Gathering
from mesh.kits.postgres.changes import Begin, Row, line, moment, value
from mesh.kits.postgres.place import Place
from mesh.kits.postgres.slot import Database, Made
from mesh.kits.postgres.tables import Table

_ROWS_AT_ONCE = 2000


def copy(database: Database, made: Made, place: Place, delivery: Delivery, stop: Stop) -> bool:
    """Delivers the tables; whether it came to the end. They stand just before the slot's first change."""
    begin, number, gathering = Begin(made.lsn - 1, moment(dt.datetime.now(dt.UTC))), 0, Gathering()
    connection = database.sql()
    try:
        for row in _rows(connection, database, made.snapshot):
            number += 1
            gathering.add(line(begin, number, row))
            if gathering.left_s() == 0:
                _send(gathering, delivery)
            if stop.within(0):
                return False
    finally:
        connection.close()
    _send(gathering, delivery)
    place.snapshot_under_way = False
    place.save((begin.lsn, number))
    return True


def _send(gathering: Gathering, delivery: Delivery) -> None:
    batch = gathering.take()
    delivery.send(batch, key(batch))


def _rows(connection: Any, database: Database, snapshot: str) -> Iterator[Row]:
    connection.set_session(isolation_level="REPEATABLE READ", readonly=True, autocommit=False)
    connection.cursor().execute("set transaction snapshot %s", (snapshot,))
    for table in database.tables:
        yield Row("T", table.schema, table.name)
        yield from _of(connection, table)


def _of(connection: Any, table: Table) -> Iterator[Row]:
    kinds = _kinds(connection, table)
    cursor = connection.cursor("tapmesh")
    cursor.itersize = _ROWS_AT_ONCE
    cursor.execute(f"select * from only {table.quoted()}")
    for found in cursor:
        row = {name: value(kind, text) for (name, kind), text in zip(kinds, found, strict=True)}
        yield Row("S", table.schema, table.name, row=row)
    cursor.close()


def _kinds(connection: Any, table: Table) -> list[tuple[str, str]]:
    """Columns and their types, which from now on are read as PostgreSQL writes them."""
    cursor = connection.cursor()
    cursor.execute(
        "select attname, format_type(atttypid, atttypmod), atttypid from pg_attribute"
        " where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum",
        (table.quoted(),),
    )
    found = cursor.fetchall()
    register_type(new_type(tuple({int(oid) for *_, oid in found}), "WORDS", lambda words, _: words), connection)
    return [(name, kind) for name, kind, _ in found]
