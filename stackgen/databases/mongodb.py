"""MongoDB."""

from __future__ import annotations

from stackgen.databases.kind import Connection, DatabaseKind, DataPlace, Volume
from stackgen.databases.moves import numbers, release_of_tag, stepwise
from stackgen.references import Reference

FIRST_WITH_MONGOSH = 5

# mongosh is a Node program, so it reads the password itself; until the user exists this fails, as it should.
_ASK = (
    "db.getSiblingDB('admin').auth(process.env.MONGO_INITDB_ROOT_USERNAME, process.env.MONGO_INITDB_ROOT_PASSWORD); "
    "quit(db.runCommand({ ping: 1 }).ok ? 0 : 2)"
)


# Members know each other by a key; one alone derives it from the password, so that it outlasts the container.
_AS_MEMBER = "--keyFile /tmp/members.key"
_START = (
    "umask 077; printf %s \"$$MONGO_INITDB_ROOT_PASSWORD\" | sha256sum | cut -d ' ' -f 1 > /tmp/members.key; "
    "chown mongodb /tmp/members.key; "
    "exec docker-entrypoint.sh mongod --bind_ip_all --replSet {name} " + _AS_MEMBER
)
# Makes the set where there is none, and goes on under another name of the service; ready is who can be written to.
_MEMBER = (
    "const admin = db.getSiblingDB('admin'); "
    "admin.auth(process.env.MONGO_INITDB_ROOT_USERNAME, process.env.MONGO_INITDB_ROOT_PASSWORD); "
    "let config = null; try {{ config = rs.conf(); }} catch (error) {{ if (error.code !== 94) throw error; }} "
    "if (config === null) rs.initiate({{ _id: '{name}', members: [{{ _id: 0, host: '{host}' }}] }}); "
    "else if (config.members[0].host !== '{host}') "
    "{{ config.members[0].host = '{host}'; config.version++; rs.reconfig(config, {{ force: true }}); }} "
    "quit(db.hello().isWritablePrimary ? 0 : 2)"
)


def _command(connection: Connection) -> tuple[str, ...]:
    return ("sh", "-c", _START.format(name=connection.replica_set)) if connection.replica_set else ()


def _member(connection: Connection) -> str:
    return _MEMBER.format(name=connection.replica_set, host=f"{connection.host}:{connection.port}")


def _of_itself(connection: Connection) -> str:
    direct = "?directConnection=true" if connection.replica_set else ""
    return f"mongodb://127.0.0.1:27017/{connection.database}{direct}"


def _url(connection: Connection) -> str:
    place = f"{connection.host}:{connection.port}/{connection.database}?authSource=admin"
    member = f"&replicaSet={connection.replica_set}" if connection.replica_set else ""
    return f"mongodb://{connection.user}:{connection.password_in_url}@{place}{member}"


def _environment(connection: Connection) -> dict[str, str]:
    return {
        "MONGO_INITDB_ROOT_USERNAME": connection.user,
        "MONGO_INITDB_ROOT_PASSWORD": connection.password,
        "MONGO_INITDB_DATABASE": connection.database,
    }


def _place(image: Reference, version: int | None) -> DataPlace:
    release = release_of_tag(image, version)
    if release and numbers(release)[0] < FIRST_WITH_MONGOSH:
        raise ValueError(f"{image.text} has no mongosh, which its health check is asked with; use 5.0 or later")
    return DataPlace(volumes=(Volume(name="data", path="/data/db"), Volume(name="config", path="/data/configdb")))


KIND = DatabaseKind(
    name="mongodb",
    aliases=("mongo",),
    image="mongo:8",
    port=27017,
    place=_place,
    environment=_environment,
    command=_command,
    options_after=_AS_MEMBER,
    health=lambda c: ("CMD", "mongosh", "--quiet", _of_itself(c), "--eval", _member(c) if c.replica_set else _ASK),
    health_interval_seconds=5,
    health_timeout_seconds=10,
    url=_url,
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
