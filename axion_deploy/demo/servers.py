"""PostgreSQL and Redis: the configured ones, else our own from the machine or from wheels, else containers."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from axion_deploy.demo.containers import ContainerServer, postgres_container, redis_container
from axion_deploy.demo.ledger import Ledger
from axion_deploy.embedded.binaries import find_postgres, find_redis
from axion_deploy.embedded.errors import NotAvailable
from axion_deploy.embedded.postgres import EmbeddedPostgres
from axion_deploy.embedded.redis import EmbeddedRedis

SOURCES = {"path": "installed on this machine", "wheel": "from a Python package", "image": "in a container"}
Server = EmbeddedPostgres | EmbeddedRedis | ContainerServer


@dataclass(frozen=True)
class Servers:
    """Two addresses with passwords in them, and for people where the servers come from."""

    database_url: str
    redis_url: str
    sources: str


def start_servers(*, folder: Path, keep: bool, ledger: Ledger, cleanup: ExitStack) -> Servers:
    """What is started here is stopped by `cleanup`; with `keep` a container's data stays.

    Raises EmbeddedError or DemoError.
    """
    database_url, redis_url = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    sources = []
    if database_url:
        sources.append("PostgreSQL at DATABASE_URL")
    else:
        server, source = _start_postgres(folder=folder / "postgres", keep=keep, cleanup=cleanup)
        ledger.note(name="PostgreSQL", pid=server.pid)
        database_url, sources = server.url, [*sources, f"PostgreSQL {SOURCES[source]}"]
    if redis_url:
        sources.append("Redis at REDIS_URL")
    else:
        store, source = _start_redis(folder=folder / "redis", cleanup=cleanup)
        ledger.note(name="Redis", pid=store.pid)
        redis_url, sources = store.url, [*sources, f"Redis {SOURCES[source]}"]
    return Servers(database_url=database_url, redis_url=redis_url, sources=", ".join(sources))


def _start_postgres(*, folder: Path, keep: bool, cleanup: ExitStack) -> tuple[Server, str]:
    for wanted in ("path", "wheel"):
        programs = find_postgres(only=wanted)
        if programs is None:
            continue
        try:
            return _running(EmbeddedPostgres(programs=programs, folder=folder), cleanup=cleanup), wanted
        except NotAvailable:
            # Debian's programs may lie where the unprivileged user cannot go; the next source may work.
            continue
    return _running(postgres_container(folder=folder, keep=keep), cleanup=cleanup), "image"


def _start_redis(*, folder: Path, cleanup: ExitStack) -> tuple[Server, str]:
    program = find_redis()
    if program is not None:
        return _running(EmbeddedRedis(program=program, folder=folder), cleanup=cleanup), program.source
    return _running(redis_container(), cleanup=cleanup), "image"


def _running(server: Server, *, cleanup: ExitStack) -> Server:
    stop: Callable[[], None] = server.stop
    cleanup.callback(stop)
    server.start()
    return server
