"""CouchDB as one node."""

from __future__ import annotations

from stackgen.databases.kind import Connection, DatabaseKind, Volume, always
from stackgen.databases.moves import stepwise

# One node makes its system databases when it is told to; what is there already answers 412. The password comes on
# standard input: as an argument `ps` would show it.
_HEALTH = (
    """signs() {{ printf 'user = "%s:%s"\\n' {user} """
    """"$$(printf %s "$$COUCHDB_PASSWORD" | sed 's/[\\"]/\\\\&/g')"; }}; """
    "for name in _users _replicator; do "
    "signs | curl -sS -m 2 -K - -o /dev/null -X PUT http://127.0.0.1:{port}/$$name || exit 1; "
    "signs | curl -fsS -m 2 -K - -o /dev/null http://127.0.0.1:{port}/$$name || exit 1; done; "
    "curl -fsS -m 2 -o /dev/null http://127.0.0.1:{port}/_up"
)


def _health(connection: Connection) -> tuple[str, ...]:
    return ("CMD-SHELL", _HEALTH.format(user=connection.user, port=connection.port))


KIND = DatabaseKind(
    name="couchdb",
    aliases=("couch",),
    image="couchdb:3.5",
    port=5984,
    default_database="",
    place=always(Volume(name="data", path="/opt/couchdb/data")),
    environment=lambda c: {"COUCHDB_USER": c.user, "COUCHDB_PASSWORD": c.password},
    health=_health,
    health_interval_seconds=5,
    health_timeout_seconds=15,
    url=lambda c: f"http://{c.user}:{c.password_in_url}@{c.host}:{c.port}",
    url_name="COUCHDB_URL",
    move=stepwise((1, 0), (2, 0), (3, 0), then="Take a copy of the volume first: there is no way back."),
)
