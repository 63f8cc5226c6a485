"""Databases with every migration applied: made once for each state of the migrations, then copied in a moment."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from axion_deploy.embedded.binaries import PostgresPrograms
from axion_deploy.embedded.postgres import EmbeddedPostgres
from tests.servers.places import FOLDER, REPOSITORY

MIGRATE_SECONDS = 180.0


def template_database(url: str) -> str:
    """Return the name of a migrated database beside that of `url`; one of former migrations goes."""
    name = urlsplit(url).path.removeprefix("/")
    wanted = f"{name}_migrated_{_state_of_migrations()}"
    with _alone(), psycopg.connect(url, dbname="postgres", autocommit=True) as server:
        known = server.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [f"{name}_migrated_"])
        names = {str(row[0]) for row in known}
        if wanted not in names:
            for former in names:
                server.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(former)))
            _make(server, url=url, name=wanted)
    return wanted


def _make(server: psycopg.Connection[Any], *, url: str, name: str) -> None:
    """Under another name until it is whole."""
    unfinished = f"{name}_new"
    server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(unfinished)))
    _migrate(urlsplit(url)._replace(path=f"/{unfinished}").geturl())
    server.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(unfinished), sql.Identifier(name)))


def copy_server(*, programs: PostgresPrograms, to: Path) -> None:
    """Lay the files of a stopped, migrated server where EmbeddedPostgres finds them; the password is the same."""
    whole = FOLDER / "migrated" / _state_of_migrations()
    with _alone():
        if not whole.exists():
            shutil.rmtree(whole.parent, ignore_errors=True)
            unfinished = whole.with_name("new")
            server = EmbeddedPostgres(programs=programs, folder=unfinished, durable=False)
            server.start()
            try:
                _migrate(server.url)
            finally:
                server.stop()
            unfinished.rename(whole)
        to.parent.mkdir(parents=True, exist_ok=True)
        # Owners and modes stay as they are: PostgreSQL insists on them.
        subprocess.run(["cp", "-a", str(whole), str(to)], check=True, timeout=MIGRATE_SECONDS)


def _migrate(url: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--no-input"],
        cwd=REPOSITORY,
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=MIGRATE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def _state_of_migrations() -> str:
    """Return what changes with any migration, of ours or of a library."""
    found = hashlib.sha256((REPOSITORY / "requirements.lock").read_bytes())
    for path in sorted(REPOSITORY.glob("*/migrations/*.py")):
        found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()[:12]


@contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other test process of this clone makes or copies one."""
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / "migrated.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
