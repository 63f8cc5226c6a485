"""Empty the tests' database."""

from __future__ import annotations

from django.db import connection, transaction
from psycopg import sql

# Their rows belong to the schema, and TRUNCATE would need them made anew.
OF_THE_SCHEMA = {"django_content_type", "auth_permission"}
# Triggers on other tables write into it while their rows go.
LAST = "deployment_counts"


def empty_tables() -> None:
    """Delete all rows in one transaction; waits, as TRUNCATE does, for those who still write."""
    names = set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - OF_THE_SCHEMA
    tables = [sql.Identifier(name) for name in sorted(names, key=lambda name: (name == LAST, name))]
    lock = sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(sql.SQL(", ").join(tables))
    deletes = [sql.SQL("DELETE FROM {}").format(table) for table in tables]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.SQL("; ").join([lock, *deletes]))
