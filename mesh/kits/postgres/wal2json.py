"""The plugin wal2json, format 2: a JSON object a message."""

from collections.abc import Sequence

import msgspec

from mesh.kits.postgres.changes import Begin, Commit, Message, Row, Values, filled, lsn_number, value
from mesh.kits.postgres.tables import Table


class _Column(msgspec.Struct, frozen=True):
    name: str
    type: str
    value: msgspec.Raw


class _Said(msgspec.Struct, frozen=True):
    action: str
    timestamp: str = ""
    lsn: str = ""
    nextlsn: str = ""
    schema: str = ""
    table: str = ""
    columns: tuple[_Column, ...] = ()
    identity: tuple[_Column, ...] = ()


_decode = msgspec.json.Decoder(_Said).decode
_string = msgspec.json.Decoder(str).decode


def options(tables: Sequence[Table]) -> dict[str, str]:
    """What START_REPLICATION is given."""
    return {
        "format-version": "2",
        "include-lsn": "true",
        "include-timestamp": "true",
        "add-tables": ",".join(table.escaped() for table in tables),
    }


class Wal2Json:
    """Reads its messages."""

    def read(self, payload: bytes) -> list[Message]:
        """A payload's messages: one here, none of a kind that is not ours."""
        said = _decode(payload)
        match said.action:
            case "B":
                return [Begin(lsn_number(said.lsn), said.timestamp.replace(" ", "T").removesuffix("+00") + "Z")]
            case "C":
                return [Commit(lsn_number(said.nextlsn))]
            case "I":
                return [Row("I", said.schema, said.table, row=_values(said.columns))]
            case "U":
                key = _values(said.identity)
                return [Row("U", said.schema, said.table, key, filled(_values(said.columns), key))]
            case "D":
                return [Row("D", said.schema, said.table, key=_values(said.identity))]
            case "T":
                return [Row("T", said.schema, said.table)]
        return []


def _values(columns: tuple[_Column, ...]) -> Values:
    return {column.name: value(column.type, _text(column.type, bytes(column.value))) for column in columns}


def _text(kind: str, raw: bytes) -> str | None:
    """PostgreSQL's words for what wal2json wrote as JSON; of bytea it leaves out the \\x."""
    if raw == b"null":
        return None
    if raw[:1] == b'"':
        return f"\\x{_string(raw)}" if kind == "bytea" else _string(raw)
    return {b"true": "t", b"false": "f"}.get(raw) or raw.decode()
