"""Kafka as one node that is its own controller (KRaft). It takes no password: only who is joined can reach it."""

from __future__ import annotations

from stackgen.databases.kind import Connection, DatabaseKind, Volume, always


def _environment(connection: Connection) -> dict[str, str]:
    return {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": f"PLAINTEXT://:{connection.port},CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{connection.host}:{connection.port}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        # One node cannot keep the three copies that are the default.
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_LOG_DIRS": "/var/lib/kafka/data",
    }


def _health(connection: Connection) -> tuple[str, ...]:
    server = f"{connection.host}:{connection.port}"
    return ("CMD", "/opt/kafka/bin/kafka-broker-api-versions.sh", "--bootstrap-server", server)


KIND = DatabaseKind(
    name="kafka",
    image="apache/kafka:4.1.0",
    port=9092,
    default_user="",
    default_database="",
    has_password=False,
    place=always(Volume(name="data", path="/var/lib/kafka/data")),
    place_variables=frozenset({"KAFKA_LOG_DIR", "KAFKA_LOG_DIRS", "KAFKA_METADATA_LOG_DIR"}),
    environment=_environment,
    health=_health,
    health_interval_seconds=10,
    health_timeout_seconds=15,
    url=lambda c: f"{c.host}:{c.port}",
    url_name="KAFKA_BROKERS",
    # The health check ends at the name the callers use; Swarm's name service knows it only once the check has passed.
    fixed_hostname=True,
    stop_grace_seconds=60,
)
