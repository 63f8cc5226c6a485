"""Memcached: keeps everything in memory, and takes no password: only who is joined can reach it."""

from __future__ import annotations

from stackgen.databases.kind import Connection, DatabaseKind, always

# The image has no client: that of Alpine has nc, that of Debian bash. At `quit` the server hangs up.
_HEALTH = (
    "if command -v nc >/dev/null; then printf 'version\\r\\nquit\\r\\n' | nc 127.0.0.1 {port}; "
    "else bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port} && printf \"version\\r\\nquit\\r\\n\" >&3 && cat <&3'; fi "
    "| grep -q ^VERSION"
)


def _health(connection: Connection) -> tuple[str, ...]:
    return ("CMD-SHELL", _HEALTH.format(port=connection.port))


KIND = DatabaseKind(
    name="memcached",
    image="memcached:1.6",
    port=11211,
    default_user="",
    default_database="",
    has_password=False,
    place=always(),
    # There is no data to take over.
    data_release=lambda _image, _version: "",
    environment=lambda _: {},
    health=_health,
    url=lambda c: f"{c.host}:{c.port}",
    url_name="MEMCACHED_SERVERS",
)
