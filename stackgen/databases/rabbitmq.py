"""RabbitMQ. The database is its virtual host."""

from __future__ import annotations

import re

from stackgen.databases.kind import NAME, NAME_WANTED, Connection, DatabaseKind, Volume, always
from stackgen.databases.moves import stepwise


def _environment(connection: Connection) -> dict[str, str]:
    return {
        "RABBITMQ_DEFAULT_USER": connection.user,
        "RABBITMQ_DEFAULT_PASS": connection.password,
        "RABBITMQ_DEFAULT_VHOST": connection.database,
    }


def _url(connection: Connection) -> str:
    return f"amqp://{connection.user}:{connection.password_in_url}@{connection.host}:{connection.port}/{connection.database}"


KIND = DatabaseKind(
    name="rabbitmq",
    aliases=("rabbit", "amqp"),
    image="rabbitmq:4",
    port=5672,
    # RabbitMQ lets `guest` in from inside its own container only.
    user_pattern=re.compile(rf"(?!guest\Z){NAME.pattern}"),
    user_wanted=f"{NAME_WANTED}, nor guest",
    ascii_password=True,
    place=always(Volume(name="data", path="/var/lib/rabbitmq")),
    place_variables=frozenset({"RABBITMQ_MNESIA_BASE", "RABBITMQ_MNESIA_DIR"}),
    environment=_environment,
    health=lambda _: ("CMD", "rabbitmq-diagnostics", "-q", "check_port_connectivity"),
    health_interval_seconds=5,
    health_timeout_seconds=15,
    url=_url,
    url_name="RABBITMQ_URL",
    others=lambda c: {"AMQP_URL": _url(c)},
    move=stepwise(
        (3, 8),
        (3, 9),
        (3, 10),
        (3, 11),
        (3, 12),
        (3, 13),
        (4, 0),
        then="Before each step enable all feature flags on the release that runs: rabbitmqctl enable_feature_flag all.",
    ),
    fixed_hostname=True,
    stop_grace_seconds=60,
)
