"""Elasticsearch as one node, asked by HTTP with the password of its user `elastic`; and OpenSearch, its fork."""

from __future__ import annotations

from stackgen.databases.kind import Connection, DatabaseKind, Volume, always
from stackgen.databases.moves import stepwise

_ANSWERS = "curl -fsS -m 8 -o /dev/null {} 'http://127.0.0.1:9200/_cluster/health?wait_for_status=yellow&timeout=5s'"
# The password on standard input: as an argument `ps` would show it.
_SIGNED = (
    """printf 'user = "elastic:%s"\\n' "$$(printf %s "$$ELASTIC_PASSWORD" | sed 's/[\\"]/\\\\&/g')" | """
    + _ANSWERS.format("-K -")
)


def _environment(connection: Connection) -> dict[str, str]:
    return {
        "discovery.type": "single-node",
        "ELASTIC_PASSWORD": connection.password,
        "xpack.security.enabled": "true",
        # Only who is joined can reach it, on networks of this project.
        "xpack.security.http.ssl.enabled": "false",
    }


KIND = DatabaseKind(
    name="elasticsearch",
    aliases=("elastic",),
    image="elasticsearch:8.19.5",
    port=9200,
    # It is `elastic`, which the image makes.
    default_user="",
    min_password_length=6,
    default_database="",
    place=always(Volume(name="data", path="/usr/share/elasticsearch/data")),
    place_variables=frozenset({"path.data", "ES_PATH_DATA"}),
    environment=_environment,
    health=lambda _: ("CMD-SHELL", _SIGNED),
    health_start_seconds=180,
    health_interval_seconds=10,
    health_timeout_seconds=10,
    url=lambda c: f"http://elastic:{c.password_in_url}@{c.host}:{c.port}",
    url_name="ELASTICSEARCH_URL",
    move=stepwise(
        (6, 8),
        (7, 0),
        (8, 0),
        (9, 0),
        then="Before each step deploy the last minor release of the major one that runs (7.17, 8.19); take a snapshot.",
    ),
    stop_grace_seconds=120,
)

OPENSEARCH = DatabaseKind(
    name="opensearch",
    image="opensearchproject/opensearch:3.1.0",
    port=9200,
    # Its security plugin asks for certificates and for passwords of a form that nobody can generate for all releases.
    default_user="",
    has_password=False,
    warning="asks for no password: whoever is joined with it reads and changes all of it. elasticsearch asks for one",
    default_database="",
    place=always(Volume(name="data", path="/usr/share/opensearch/data")),
    place_variables=frozenset({"path.data"}),
    environment=lambda _: {
        "discovery.type": "single-node",
        "DISABLE_SECURITY_PLUGIN": "true",
        "DISABLE_INSTALL_DEMO_CONFIG": "true",
    },
    health=lambda _: ("CMD-SHELL", _ANSWERS.format("")),
    health_start_seconds=180,
    health_interval_seconds=10,
    health_timeout_seconds=10,
    url=lambda c: f"http://{c.host}:{c.port}",
    url_name="OPENSEARCH_URL",
    move=stepwise(
        (1, 0),
        (2, 0),
        (3, 0),
        then="Before the step to 3 deploy 2.19, and index anew what 1 wrote; take a snapshot.",
    ),
    stop_grace_seconds=120,
)
