"""Qdrant. Its API key is the password."""

from __future__ import annotations

from stackgen.databases.kind import DatabaseKind, Volume, always
from stackgen.databases.moves import minor_steps

# The image has no client, and bash.
_HEALTH = (
    'bash -c \'exec 3<>/dev/tcp/127.0.0.1/{port} && printf "GET /readyz HTTP/1.0\\r\\n\\r\\n" >&3 '
    '&& head -n 1 <&3 | grep -q " 200 "\''
)

KIND = DatabaseKind(
    name="qdrant",
    image="qdrant/qdrant:v1.15",
    port=6333,
    default_user="",
    default_database="",
    place=always(Volume(name="data", path="/qdrant/storage"), Volume(name="snapshots", path="/qdrant/snapshots")),
    place_variables=frozenset({"QDRANT__STORAGE__STORAGE_PATH", "QDRANT__STORAGE__SNAPSHOTS_PATH"}),
    environment=lambda c: {"QDRANT__SERVICE__API_KEY": c.password},
    health=lambda c: ("CMD-SHELL", _HEALTH.format(port=c.port)),
    url=lambda c: f"http://{c.host}:{c.port}",
    url_name="QDRANT_URL",
    others=lambda c: {"QDRANT_API_KEY": c.password},
    move=minor_steps,
    stop_grace_seconds=60,
)
