"""NATS with JetStream."""

from __future__ import annotations

from stackgen.databases.kind import Connection, DatabaseKind, Volume, always


def _command(connection: Connection) -> tuple[str, ...]:
    # Written inside the container: as an argument the password would show in `docker ps`.
    escape = r"""'s/[\\"]/\\&/g'"""
    script = (
        "umask 077\n"
        f'password=$$(printf %s "$$NATS_PASSWORD" | sed {escape})\n'
        "cat > /tmp/nats.conf <<END\n"
        f"port: {connection.port}\n"
        "http: 127.0.0.1:8222\n"
        'jetstream { store_dir: "/data" }\n'
        f'authorization {{ user: "{connection.user}", password: "$$password" }}\n'
        "END\n"
        "exec nats-server -c /tmp/nats.conf\n"
    )
    return ("sh", "-c", script)


KIND = DatabaseKind(
    name="nats",
    image="nats:2.11-alpine",
    port=4222,
    default_database="",
    place=always(Volume(name="data", path="/data")),
    environment=lambda c: {"NATS_PASSWORD": c.password},
    command=_command,
    options_after="exec nats-server -c /tmp/nats.conf",
    health=lambda _: ("CMD", "wget", "-q", "-T", "2", "-O", "/dev/null", "http://127.0.0.1:8222/healthz"),
    url=lambda c: f"nats://{c.user}:{c.password_in_url}@{c.host}:{c.port}",
    url_name="NATS_URL",
)
