"""Redis for the tests: no password, nothing on disk, a database number of its own for each clone."""

from __future__ import annotations

import os

from redis import Redis
from redis.exceptions import RedisError

from axion_deploy.demo.ledger import Ledger
from axion_deploy.embedded.binaries import find_redis
from axion_deploy.embedded.child import Child
from axion_deploy.embedded.ports import is_free
from tests.servers.errors import Unavailable
from tests.servers.places import CLONE, FOLDER, REDIS_PORT
from tests.servers.starting import start_noted

DATABASES = 1024
CONNECT_SECONDS = 3
READY_SECONDS = 20


def ensure_redis(*, ledger: Ledger) -> str:
    """The address of a server that answers: the configured one, one at our port, or one that is started now."""
    configured = os.environ.get("REDIS_URL")
    if configured:
        if not answers(configured):
            raise Unavailable("Redis at REDIS_URL does not answer: start it or unset REDIS_URL.")
        return configured
    server = f"redis://127.0.0.1:{REDIS_PORT}"
    if not answers(server):
        _start(server, ledger=ledger)
    return f"{server}/{_database_number(server)}"


def answers(url: str) -> bool:
    try:
        with Redis.from_url(url, socket_timeout=CONNECT_SECONDS, socket_connect_timeout=CONNECT_SECONDS) as client:
            return bool(client.ping())
    except RedisError:
        return False


def _start(url: str, *, ledger: Ledger) -> None:
    if not is_free(REDIS_PORT):
        raise Unavailable(f"another program has port {REDIS_PORT}: stop it, or set REDIS_URL to a Redis server.")
    program = find_redis()
    if program is None:
        raise Unavailable("redis-server is missing: install Redis, or set REDIS_URL to a server.")
    folder = FOLDER / "redis"
    folder.mkdir(parents=True, exist_ok=True)
    options = {
        "bind": "127.0.0.1",
        "port": str(REDIS_PORT),
        "save": "",
        "appendonly": "no",
        "databases": str(DATABASES),
    }
    child = Child(
        name="Redis",
        command=[
            str(program.redis_server),
            *(word for name, value in options.items() for word in (f"--{name}", value)),
        ],
        log_file=folder / "redis.log",
        cwd=folder,
    )
    start_noted(child, ledger=ledger, probe=lambda: answers(url), seconds=READY_SECONDS)


def _database_number(url: str) -> int:
    """Number 0 is left to people; a server that somebody else started may have few."""
    with Redis.from_url(url, socket_timeout=CONNECT_SECONDS, decode_responses=True) as client:
        count = int(client.config_get("databases")["databases"])
    return 1 + int(CLONE, 16) % (count - 1)
