"""Which keys a node can have: what it cannot say is named in the report."""

from __future__ import annotations

from stackgen.nodes import NodeType

_ALL = frozenset({
    "image", "hostPort", "cpu", "memory", "cpuReservation", "memoryReservation", "processes", "stopGraceSeconds",
    "placement", "replicas",
})  # fmt: skip
_OF_SERVICES = frozenset({"port", "command", "healthPath", "runtime"})
_OF_DATABASES = frozenset({"databaseType", "databaseVersion", "database", "user", "password"})
REFERENCES = False


def knows(key: str, node_type: NodeType) -> bool:
    """Return whether a node of this type can say it."""
    if key.startswith(("env.", "secret.")):
        return True
    return key in _ALL | (_OF_DATABASES if node_type.is_database else _OF_SERVICES)
