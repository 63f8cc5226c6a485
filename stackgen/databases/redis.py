"""Redis, and Valkey, its fork that takes the same commands."""

from __future__ import annotations

import re
from dataclasses import replace

from stackgen.databases.kind import Connection, DatabaseKind, Volume, always

NUMBER = re.compile(r"[0-9]|1[0-5]")


def _start(server: str) -> tuple[str, ...]:
    # The configuration comes on standard input: as an argument the password would show in `docker ps`.
    escape = r"""'s/[\\"]/\\&/g'"""
    script = (
        f'password=$$(printf %s "$$REDISCLI_AUTH" | sed {escape})\n'
        f"exec docker-entrypoint.sh {server} - <<END\n"
        'requirepass "$$password"\n'
        "dir /data\n"
        "appendonly yes\n"
        "END\n"
    )
    return ("sh", "-c", script)


def _health(cli: str) -> tuple[str, ...]:
    return ("CMD-SHELL", f"{cli} -h 127.0.0.1 ping | grep -q PONG")


def _url(connection: Connection) -> str:
    # With the user's name: redis-cli takes an empty one for a name, and the server knows nobody of that name.
    return f"redis://default:{connection.password_in_url}@{connection.host}:{connection.port}/{connection.database}"


KIND = DatabaseKind(
    name="redis",
    image="redis:8",
    port=6379,
    default_user="",
    default_database="0",
    database_pattern=NUMBER,
    database_wanted="a number from 0 to 15",
    place=always(Volume(name="data", path="/data")),
    environment=lambda c: {"REDISCLI_AUTH": c.password},
    command=lambda _: _start("redis-server"),
    options_after="exec docker-entrypoint.sh redis-server -",
    health=lambda _: _health("redis-cli"),
    url=_url,
    url_name="REDIS_URL",
)

VALKEY = replace(
    KIND,
    name="valkey",
    image="valkey/valkey:8",
    # valkey-cli reads the old name of the variable too.
    command=lambda _: _start("valkey-server"),
    options_after="exec docker-entrypoint.sh valkey-server -",
    health=lambda _: _health("valkey-cli"),
)
