"""Servers and clusters as pages show them: where to deploy, and how they all are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.urls import reverse

from agents.states import Presence
from agents.types import ServerData
from deployments.admin import badges
from deployments.services.fleet import machine_list
from deployments.services.permissions import target_agents
from deployments.types import Caller, ProjectRecord, Target, TargetKind

# On the first page.
MAX_MACHINES = 12


def targets(servers: Iterable[ServerData]) -> list[dict[str, str]]:
    """Return servers as places to deploy to."""
    return [
        {
            "kind": "server",
            "id": str(server.id),
            "name": server.name,
            "presence": str(server.presence),
            "presenceLabel": str(badges.PRESENCE[server.presence].label),
        }
        for server in servers
    ]


def labels_of(servers: Iterable[ServerData]) -> list[dict[str, str]]:
    """Return the labels that exactly one of these servers has that takes deployments, each with its server's name."""
    ready: dict[str, list[str]] = defaultdict(list)
    for server in servers:
        for label in server.labels if server.drained_at is None else ():
            ready[label].append(server.name)
    return [{"label": label, "server": names[0]} for label, names in sorted(ready.items()) if len(names) == 1]


def ready_clusters(caller: Caller, project: ProjectRecord) -> list[dict[str, str]]:
    """Return the clusters to which the project can be deployed, by who owns both."""
    if project.owner_id != caller.user_id:
        return []
    owned = machine_list.machines_of(caller).clusters
    places = {each.id: (each, Target(kind=TargetKind.CLUSTER, id=each.id)) for each in owned}
    return [
        {"kind": "cluster", "id": str(cluster.id), "name": cluster.name, "presence": ""}
        for cluster, target in places.values()
        if not target_agents.why_unready(target)
    ]


def all_machines(caller: Caller) -> list[dict[str, str]]:
    """Return the caller's servers and clusters, to look at."""
    owned = machine_list.machines_of(caller)
    clusters = [
        {
            "kind": "cluster",
            "id": str(cluster.id),
            "name": cluster.name,
            "presence": "",
            "servers": str(cluster.servers_count),
        }
        for cluster in owned.clusters
    ]
    return targets(owned.servers) + clusters


def pages_of(caller: Caller, targets: Iterable[Target]) -> dict[str, str]:
    """Return the pages of those targets that are the caller's to look at, by id."""
    owned = machine_list.machines_of(caller)
    servers = {each.id for each in owned.servers}
    own = servers | {each.id for each in owned.clusters}
    routes = {True: "admin:agents_server_overview", False: "admin:agents_cluster_nodes"}
    return {str(each.id): reverse(routes[each.id in servers], args=[each.id]) for each in targets if each.id in own}


def machines_at_a_glance(caller: Caller) -> dict[str, Any]:
    """Return servers and clusters for the first page, those first that need a look, and how many there are."""
    found = all_machines(caller)
    servers = [each for each in found if each["kind"] == "server"]
    shown = sorted(found, key=lambda each: each["presence"] in ("", Presence.ONLINE))[:MAX_MACHINES]
    online = sum(each["presence"] == Presence.ONLINE for each in servers)
    return {
        "targets": shown,
        "moreTargets": len(found) - len(shown),
        "servers": {"total": len(servers), "online": online},
    }


def recently_used_first(places: list[dict[str, str]], used: list[str]) -> list[dict[str, str]]:
    """Put where the project went last first: that is where it most likely goes next."""
    return sorted(places, key=lambda target: used.index(target["id"]) if target["id"] in used else len(used))
