"""MongoDB."""

from __future__ import annotations

from stackgen.databases.kind import Connection, DatabaseKind, Volume, always
from stackgen.databases.moves import stepwise

# mongosh is a Node program, so it reads the password itself; until the user exists this fails, as it should.
_ASK = (
    "db.getSiblingDB('admin').auth(process.env.MONGO_INITDB_ROOT_USERNAME, process.env.MONGO_INITDB_ROOT_PASSWORD); "
    "quit(db.runCommand({ ping: 1 }).ok ? 0 : 2)"
)


def _environment(connection: Connection) -> dict[str, str]:
    return {
        "MONGO_INITDB_ROOT_USERNAME": connection.user,
        "MONGO_INITDB_ROOT_PASSWORD": connection.password,
        "MONGO_INITDB_DATABASE": connection.database,
    }


KIND = DatabaseKind(
    name="mongodb",
    aliases=("mongo",),
    image="mongo:8",
    port=27017,
    place=always(Volume(name="data", path="/data/db"), Volume(name="config", path="/data/configdb")),
    environment=_environment,
    health=lambda c: ("CMD", "mongosh", "--quiet", f"mongodb://127.0.0.1:27017/{c.database}", "--eval", _ASK),
    health_interval_seconds=5,
    health_timeout_seconds=10,
    url=lambda c: f"mongodb://{c.user}:{c.password_in_url}@{c.host}:{c.port}/{c.database}?authSource=admin",
    url_name="MONGODB_URL",
    move=stepwise(
        (3, 6),
        (4, 0),
        (4, 2),
        (4, 4),
        (5, 0),
        (6, 0),
        (7, 0),
        (8, 0),
        then="Before each step its data must be of the release that runs: "
        "db.adminCommand({setFeatureCompatibilityVersion: 'THAT RELEASE', confirm: true}).",
    ),
    stop_grace_seconds=60,
)
