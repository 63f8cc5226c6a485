"""PostgreSQL."""

from __future__ import annotations

import re

from stackgen.databases.kind import NAME, NAME_WANTED, Connection, DatabaseKind, DataPlace, Volume
from stackgen.databases.moves import never
from stackgen.references import Reference

# From 18 on the image keeps each release's data in a folder of its own below the parent.
FIRST_BELOW_PARENT = 18
PARENT, OLD = "/var/lib/postgresql", "/var/lib/postgresql/data"
# As images with extensions say it: `pg18`, `2.23.0-pg18`, `release_PG16_1.5.0`.
NAMED = re.compile(r"(?:^|[^a-z])pg[_-]?(\d{1,2})(?!\d)", re.IGNORECASE)
LEADING = re.compile(r"v?(\d{1,2})(?!\d)")
# Tags of these begin with PostgreSQL's release; others count releases of their own.
COUNTED_ALIKE = re.compile(r".*(?:postgres|postgis).*|pgrouting|pgautoupgrade")


def _place(image: Reference, version: int | None) -> DataPlace:
    """Return the place of the release; where it is not known, the old one, where earlier stacks have their volumes."""
    release = version or _release(image)
    if release is None:
        _refuse_doubt(image)
        return DataPlace(volumes=(Volume(name="data", path=OLD),), environment={"PGDATA": OLD})
    if release < FIRST_BELOW_PARENT:
        return DataPlace(volumes=(Volume(name="data", path=OLD),))
    place = {"PGDATA": f"{PARENT}/{release}/docker"}
    return DataPlace(volumes=(Volume(name="data", path=PARENT),), environment=place)


def _release(image: Reference) -> int | None:
    if named := NAMED.search(image.tag):
        return int(named[1])
    leading = LEADING.match(image.tag)
    return int(leading[1]) if leading and COUNTED_ALIKE.fullmatch(image.name) else None


def _refuse_doubt(image: Reference) -> None:
    """Raise ValueError where the release cannot be known: in the wrong place the database would begin empty."""
    leading = LEADING.match(image.tag)
    if (image.digest and not image.tag) or (leading and int(leading[1]) >= FIRST_BELOW_PARENT):
        raise ValueError(
            f"{image.text} does not tell which release of PostgreSQL it is, and 18 moved the place of the data: say it "
            "with config.databaseVersion, such as 17, or in the image's tag"
        )


def _environment(connection: Connection) -> dict[str, str]:
    return {
        "POSTGRES_DB": connection.database,
        "POSTGRES_USER": connection.user,
        "POSTGRES_PASSWORD": connection.password,
    }


def _health(connection: Connection) -> tuple[str, ...]:
    # By TCP: the server that runs the first set-up listens on its socket only and must not count as ready.
    ready = ("pg_isready", "-q", "-h", "127.0.0.1", "-U", connection.user, "-d", connection.database)
    if not connection.databases and not connection.extensions:
        return ("CMD", *ready)
    return ("CMD-SHELL", f"{' '.join(ready)} && {_furnish(connection)}")


def _furnish(connection: Connection) -> str:
    """Return what makes the databases and extensions that are missing, once in the life of a container.

    A part of the health check, as data that exists is furnished, too, and callers start only when it is done.
    """
    ask = f"psql -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -U {connection.user} -d"
    names = (connection.database, *(name for name in connection.databases if name != connection.database))
    steps = ['export PGPASSWORD="$$POSTGRES_PASSWORD"']
    steps += [  # names are checked: NAME and EXTENSION let nothing out of their quotes
        f"{{ {ask} {connection.database} -tAc \"SELECT 1 FROM pg_database WHERE datname = '{name}'\" | grep -q 1 || "  # noqa: S608
        f"{ask} {connection.database} -c 'CREATE DATABASE \"{name}\"'; }}"
        for name in names[1:]
    ]
    extensions = "; ".join(f'CREATE EXTENSION IF NOT EXISTS "{name}" CASCADE' for name in connection.extensions)
    steps += [f"PGOPTIONS=--client-min-messages=warning {ask} {name} -c '{extensions}'" for name in names if extensions]
    done = "/tmp/axion-furnished"  # noqa: S108 - in the container
    return f"{{ [ -e {done} ] || {{ {' && '.join(steps)} && {{ : > {done}; }} 2>/dev/null || [ ! -w /tmp ]; }}; }}"


KIND = DatabaseKind(
    name="postgresql",
    aliases=("postgres", "pg", "postgressql"),
    image="postgres:17",
    port=5432,
    user_pattern=re.compile(rf"(?!pg_){NAME.pattern}"),
    user_wanted=f"{NAME_WANTED}, nor pg_",
    place=_place,
    data_release=lambda image, version: str(version or _release(image) or ""),
    # Each major release has a layout of its own.
    move=never,
    place_variables=frozenset({"PGDATA", "POSTGRES_INITDB_WALDIR"}),
    environment=_environment,
    health=_health,
    url=lambda c: f"postgresql://{c.user}:{c.password_in_url}@{c.host}:{c.port}/{c.database}",
    url_name="DATABASE_URL",
    # PostgreSQL's default stop waits for clients; the image asks for the fast one, which still writes a checkpoint.
    stop_grace_seconds=60,
)
