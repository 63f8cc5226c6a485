"""MySQL, and MariaDB, its fork with names of its own for the same things."""

from __future__ import annotations

import re
from dataclasses import replace

from stackgen.databases.kind import NAME, NAME_WANTED, Connection, DatabaseKind, Volume, always
from stackgen.databases.moves import forward, stepwise


def _environment(prefix: str, connection: Connection) -> dict[str, str]:
    common = {f"{prefix}_DATABASE": connection.database, f"{prefix}_ROOT_PASSWORD": connection.password}
    if connection.user == "root":
        return common
    # The administrator signs in from inside the container only: the callers know the user's password, not more rights.
    return common | {
        f"{prefix}_ROOT_HOST": "localhost",
        f"{prefix}_USER": connection.user,
        f"{prefix}_PASSWORD": connection.password,
    }


def _health(client: str, prefix: str, connection: Connection) -> tuple[str, ...]:
    # By TCP, as the server of the first set-up has none; the password by the environment, where `ps` does not show it.
    ask = f"{client} -h 127.0.0.1 -u {connection.user} -D {connection.database} -e 'SELECT 1'"
    return ("CMD-SHELL", f'MYSQL_PWD="$${prefix}_ROOT_PASSWORD" {ask} >/dev/null')


KIND = DatabaseKind(
    name="mysql",
    image="mysql:8.4",
    port=3306,
    user_pattern=re.compile(rf"(?!.{{33}}){NAME.pattern}"),
    user_wanted=f"{NAME_WANTED}, at most 32",
    place=always(Volume(name="data", path="/var/lib/mysql")),
    environment=lambda c: _environment("MYSQL", c),
    health=lambda c: _health("mysql", "MYSQL", c),
    url=lambda c: f"mysql://{c.user}:{c.password_in_url}@{c.host}:{c.port}/{c.database}",
    url_name="DATABASE_URL",
    stop_grace_seconds=60,
    # A series can be upgraded in place to the next one with long support, or to what lies between, and never back.
    move=stepwise((5, 5), (5, 6), (5, 7), (8, 0), (8, 4), (9, 0), then="Take a dump first: there is no way back."),
)

MARIADB = replace(
    KIND,
    name="mariadb",
    image="mariadb:11.8",
    move=forward("MARIADB_AUTO_UPGRADE=1 as its variable lets the image upgrade system tables, with a copy of them."),
    environment=lambda c: _environment("MARIADB", c),
    health=lambda c: _health("mariadb", "MARIADB", c),
)
