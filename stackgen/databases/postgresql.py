"""PostgreSQL."""

from __future__ import annotations

import re

from stackgen.databases.kind import NAME, NAME_WANTED, Connection, DatabaseKind, Volume

# From 18 on the image keeps each release's data in a folder of its own below this one.
FIRST_WITH_PARENT_VOLUME = 18


def _volumes(image: str) -> tuple[Volume, ...]:
    tag = re.search(r":(\d+)", image)
    parent = tag is not None and int(tag[1]) >= FIRST_WITH_PARENT_VOLUME
    return (Volume(name="data", path="/var/lib/postgresql" if parent else "/var/lib/postgresql/data"),)


def _environment(connection: Connection) -> dict[str, str]:
    return {
        "POSTGRES_DB": connection.database,
        "POSTGRES_USER": connection.user,
        "POSTGRES_PASSWORD": connection.password,
    }


def _health(connection: Connection) -> tuple[str, ...]:
    # By TCP: the server that runs the first set-up listens on its socket only and must not count as ready.
    return ("CMD", "pg_isready", "-q", "-h", "127.0.0.1", "-U", connection.user, "-d", connection.database)


KIND = DatabaseKind(
    name="postgresql",
    aliases=("postgres", "pg", "postgressql"),
    image="postgres:17",
    port=5432,
    user_pattern=re.compile(rf"(?!pg_){NAME.pattern}"),
    user_wanted=f"{NAME_WANTED}, nor pg_",
    volumes=_volumes,
    environment=_environment,
    health=_health,
    url=lambda c: f"postgresql://{c.user}:{c.password_in_url}@{c.host}:{c.port}/{c.database}",
    url_name="DATABASE_URL",
    # PostgreSQL's default stop waits for clients; the image asks for the fast one, which still writes a checkpoint.
    stop_grace_seconds=60,
)
