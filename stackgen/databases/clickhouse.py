"""ClickHouse, asked by HTTP; its own protocol is on port 9000 of the same name."""

from __future__ import annotations

from stackgen.databases.kind import Connection, DatabaseKind, Volume, always


def _environment(connection: Connection) -> dict[str, str]:
    return {
        "CLICKHOUSE_DB": connection.database,
        "CLICKHOUSE_USER": connection.user,
        "CLICKHOUSE_PASSWORD": connection.password,
        "CLICKHOUSE_DEFAULT_ACCESS_MANAGEMENT": "1",
    }


KIND = DatabaseKind(
    name="clickhouse",
    image="clickhouse/clickhouse-server:25.8",
    port=8123,
    place=always(Volume(name="data", path="/var/lib/clickhouse")),
    environment=_environment,
    # By its own name: the server of the first set-up listens on 127.0.0.1 only and must not count as ready.
    health=lambda c: ("CMD-SHELL", f"wget -q -T 2 -O /dev/null http://$$(hostname):{c.port}/ping"),
    health_timeout_seconds=5,
    url=lambda c: f"http://{c.user}:{c.password_in_url}@{c.host}:{c.port}/{c.database}",
    url_name="CLICKHOUSE_URL",
    stop_grace_seconds=60,
)
