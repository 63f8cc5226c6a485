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
    return ("CMD", "pg_isready", "-q", "-h", "127.0.0.1", "-U", connection.user, "-d", connection.database)


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
