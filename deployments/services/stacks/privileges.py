"""What a stack asks of its host beyond containers of its own, and whether the host's owner allows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from agents.services import directory
from deployments.errors import Invalid

# Keys of a service that take it out of its container. Our generator writes none of them today.
RAISING = frozenset(
    {"privileged", "cap_add", "devices", "device_cgroup_rules", "network_mode", "pid", "ipc", "uts", "userns_mode"}
)
SERVICE, KEY, ITEM = 2, 4, 6


def refuse_unallowed(*, config: Mapping[str, Any], server_id: UUID) -> None:
    """Raise Invalid when a service of this configuration needs more than the server's owner allows."""
    wanting = sorted({f"{name} ({why})" for name, why in privileged(str(config.get("dockerComposeYml", "")))})
    if wanting and not directory.allows_privileged(server_id=server_id):
        raise Invalid(
            f"These services need more than this server allows: {', '.join(wanting)}. Its owner can allow privileged "
            "services on its page. What is deployed anew needs nothing of the kind.",
            details={"serverId": "privileged services are not allowed there"},
        )


def privileged(compose: str) -> Iterator[tuple[str, str]]:
    """Yield service and reason, for each path of the host and each raising key in a generated compose file. Pure.

    Reads the layout that our own writer gives: two blanks before a service, four before its keys.
    """
    service = key = ""
    inside = False
    for line in compose.splitlines():
        text = line.strip()
        depth = len(line) - len(line.lstrip())
        if not text or text.startswith("#"):
            continue
        if depth == 0:
            inside = text == "services:"
        elif inside and depth == SERVICE:
            service, key = text.partition(":")[0].strip("\"'"), ""
        elif inside and depth == KEY:
            key = text.partition(":")[0].strip("\"'")
            if key in RAISING:
                yield service, key
        elif inside and depth == ITEM and key == "volumes" and (path := _path_of_host(text)):
            yield service, path


def _path_of_host(item: str) -> str:
    """Return what a volume of a service mounts of the host; empty for a volume by name."""
    mounted = item.removeprefix("- ").strip("\"'")
    return mounted.partition(":")[0] if mounted.startswith(("/", ".", "~")) else ""
