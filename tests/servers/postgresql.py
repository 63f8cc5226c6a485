"""PostgreSQL for the tests, where the user `axion` may create databases."""

from __future__ import annotations

import os
import signal

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from axion_deploy.demo.ledger import Ledger
from axion_deploy.embedded.binaries import find_postgres
from axion_deploy.embedded.ports import is_free
from axion_deploy.embedded.postgres import EmbeddedPostgres
from tests.servers.errors import Unavailable
from tests.servers.places import CLONE, FOLDER, POSTGRES_PORT

DATABASE = f"axion_{CLONE}"
PASSWORD = "axion"
CONNECT_SECONDS = 5


def ensure_postgres(*, ledger: Ledger) -> str:
    """The address of a server that answers: the configured one, one at our port, or one that is started now."""
    configured = os.environ.get("DATABASE_URL")
    if configured:
        if not answers(configured):
            raise Unavailable("PostgreSQL at DATABASE_URL does not answer: start it or unset DATABASE_URL.")
        return configured
    server = f"postgres://axion:{PASSWORD}@127.0.0.1:{POSTGRES_PORT}"
    if not answers(f"{server}/postgres"):
        _start(ledger=ledger)
    _create_databases(f"{server}/postgres", names=("axion", DATABASE))
    return f"{server}/{DATABASE}"


def answers(url: str) -> bool:
    """Whether the server lets us in; the named database itself may still be missing, tests make their own."""
    for address in (url, make_conninfo(url, dbname="postgres")):
        try:
            psycopg.connect(address, connect_timeout=CONNECT_SECONDS).close()
        except psycopg.OperationalError:
            continue
        return True
    return False


def _start(*, ledger: Ledger) -> None:
    if not is_free(POSTGRES_PORT):
        raise Unavailable(
            f"another program has port {POSTGRES_PORT}: stop it, or set DATABASE_URL to a PostgreSQL server."
        )
    programs = find_postgres()
    if programs is None:
        raise Unavailable("PostgreSQL is missing: install it, or set DATABASE_URL to a server.")
    folder = FOLDER / "postgres"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "password").write_text(PASSWORD)
    server = EmbeddedPostgres(programs=programs, folder=folder, port=POSTGRES_PORT, durable=False)
    server.start()
    # SIGINT is its fast stop: it ends open sessions instead of waiting for them.
    ledger.note(name="PostgreSQL", pid=server.pid, stop_signal=signal.SIGINT)


def _create_databases(url: str, *, names: tuple[str, ...]) -> None:
    with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS) as connection:
        known = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
        for name in names:
            if name not in known:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
