"""The PostgreSQL kit: a database's changes, by logical replication, and its tables as they were at the start."""
