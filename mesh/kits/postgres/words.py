"""What PostgreSQL refuses, as one line and what to do next; never with the connection's own words, which may hold a password."""

import psycopg2
from psycopg2 import errors
from psycopg2.errorcodes import OBJECT_IN_USE, TOO_MANY_CONNECTIONS

from mesh.kits.delivery import KitFailed

_SETTING = (
    "ALTER SYSTEM SET wal_level = logical, then restart the server (a managed one has a parameter for it, like rds.logical_replication)"
)
_PUBLICATION = "let an owner of the tables make it: CREATE PUBLICATION … FOR TABLE …, and name it with --publication"
_ANEW = "--anew begins again with the tables as they are now"
_BY_CODE: dict[type[psycopg2.Error], str] = {
    errors.UndefinedFile: "install wal2json on the server (Debian: postgresql-15-wal2json), or use its own: --plugin pgoutput",
    errors.ObjectInUse: "another kit, or one that just ended, reads it; --slot names one of your own",
    errors.ConfigurationLimitExceeded: "drop a slot that is not used any more (pg_replication_slots), or raise max_replication_slots",
}
_NOT_ALLOWED = "may not be used as an output plugin"
_BY_WORDS = {
    _NOT_ALLOWED: "ALTER SYSTEM SET output_plugin_libraries = pgoutput, test_decoding, wal2json, then SELECT pg_reload_conf(); "
    "or a new slot with the server's own: --plugin pgoutput",
    "password authentication failed": "put the right one into PGPASSWORD or ~/.pgpass",
    "no password supplied": "put it into PGPASSWORD or ~/.pgpass",
    'publication "': f"there are changes from before that publication was made, which nobody can tell any more: {_ANEW}",
    "slot has been invalidated": f"the server kept no more of its log than max_slot_wal_keep_size says: {_ANEW}",
    "does not exist": "--from postgresql://user@host:5432/database names user and database",
    "start walsender": "ALTER ROLE <user> REPLICATION, by a superuser (RDS: GRANT rds_replication TO <user>)",
    "replication role": "ALTER ROLE <user> REPLICATION, by a superuser (RDS: GRANT rds_replication TO <user>)",
    "must be owner": _PUBLICATION,
    "permission denied for database": _PUBLICATION,
    "permission denied": "GRANT SELECT ON that table TO <user>: the first copy reads it (--no-snapshot does without)",
    "wal_level": _SETTING,
    "pg_hba.conf": "let that user and host in, in the server's pg_hba.conf",
    "SSL": "add ?sslmode=require to --from, or ask what the server takes",
}


def in_words(error: psycopg2.Error) -> KitFailed:
    """What happened and what to do."""
    text = str(error).strip()
    line = text.splitlines()[-1] if "FATAL:" in text else text.partition("\n")[0]
    if isinstance(error, psycopg2.ProgrammingError) and error.pgcode is None:
        return KitFailed("--from is not a connection URL", "like postgresql://user@host:5432/database; the password from PGPASSWORD")
    known = _BY_CODE.get(type(error)) or next((hint for words, hint in _BY_WORDS.items() if words in text), "")
    other = "the server's log says more" if error.pgcode else "is that the right host and port, and does the server run? --from names them"
    return KitFailed(f"PostgreSQL: {line}", known or error.diag.message_hint or other)


def lacks_plugin(error: psycopg2.Error) -> bool:
    """Whether the server has no such plugin, or does not let slots use it, as it asks for from its minor releases of August 2026 on."""
    return isinstance(error, errors.UndefinedFile) or _NOT_ALLOWED in str(error)


def lost_connection(error: psycopg2.Error) -> bool:
    """Whether the same may go well a little later: the server went away, restarts, or still believes the kit's last connection."""
    code = error.pgcode
    return code is None or code[:2] in ("08", "57") or code in (TOO_MANY_CONNECTIONS, OBJECT_IN_USE)


def starting(error: psycopg2.Error) -> bool:
    """Whether the server is there, and takes connections soon."""
    return "the database system is" in str(error)
