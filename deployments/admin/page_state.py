"""What pages start from: the same shapes that sockets send, so one set of functions renders both."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import reverse

from deployments import live
from deployments.admin import looks
from deployments.errors import Forbidden
from deployments.events import EventType
from deployments.models import DeploymentEvent
from deployments.repositories import lists
from deployments.repositories.records import event_record
from deployments.services import access, machines, project_view, queries, sources
from deployments.states import FINISHED, UNFINISHED
from deployments.types import Caller, DeploymentRecord, Right
from deployments.wire import event_shape

TIMELINE = 400
LOG_EVENTS = 1500
ON_DASHBOARD = 12


def deployment_page(*, caller: Caller, deployment_id: UUID) -> dict[str, Any]:
    """The deployment, its timeline and the end of its log as of its `sequence`. Raises NotFound."""
    found = queries.get_deployment(caller=caller, deployment_id=deployment_id)
    address = {name: reverse(f"admin:deployments_deployment_{name}", args=[found.id]) for name in PAGE_PARTS}
    return {
        "deployment": live.snapshot(found, target_name=machines.target_name(found.target)),
        "events": _events(found, of_log=False, most=TIMELINE),
        "logs": _events(found, of_log=True, most=LOG_EVENTS),
        "canDeploy": may_deploy(caller=caller, project_id=found.project_id),
        "looks": looks.as_json(),
        "address": {
            **address,
            "socket": f"/ws/deployments/{found.id}/",
            "project": reverse("admin:deployments_project_change", args=[found.project_id]),
        },
    }


PAGE_PARTS = ("state", "files", "log", "cancel")


def _events(found: DeploymentRecord, *, of_log: bool, most: int) -> list[dict[str, Any]]:
    """The last `most` events up to the record's own sequence, oldest first."""
    rows = DeploymentEvent.objects.filter(deployment=found.id, sequence__lte=found.last_sequence)
    chosen = rows.filter(type=EventType.LOG_WRITTEN) if of_log else rows.exclude(type=EventType.LOG_WRITTEN)
    newest = list(chosen.order_by("-sequence")[:most])
    return [event_shape(event_record(row)) for row in reversed(newest)]


def may_deploy(*, caller: Caller, project_id: UUID) -> bool:
    return may(caller=caller, project_id=project_id, right=Right.DEPLOY)


def may(*, caller: Caller, project_id: UUID, right: Right) -> bool:
    """Whether a caller who may see the project may do this, too."""
    try:
        access.project_for(caller=caller, project_id=project_id, right=right)
    except Forbidden:
        return False
    return True


def project_page(*, caller: Caller, project_id: UUID) -> dict[str, Any]:
    """The project, what goes on in it, its graph and where it may be deployed. Raises NotFound."""
    view = project_view.view_project(caller=caller, project_id=project_id)
    graph = sources.latest_graph(caller=caller, project_id=project_id)
    return {
        "project": live.project_shape(view.project),
        "deployments": [live.summary(d, target_name=view.target_names[d.target.id]) for d in view.deployments],
        "graph": graph.graph if graph else {"nodes": [], "edges": []},
        "graphVersion": graph.version if graph else 0,
        "code": sources.code_of(caller=caller, project_id=project_id),
        "targets": targets(caller),
        "canDeploy": may_deploy(caller=caller, project_id=project_id),
        "canChange": may(caller=caller, project_id=project_id, right=Right.CHANGE),
        "looks": looks.as_json(),
        "address": {
            "socket": f"/ws/projects/{project_id}/",
            "state": reverse("admin:deployments_project_state", args=[project_id]),
            "deployments": reverse("admin:deployments_deployment_changelist"),
        },
    }


def targets(caller: Caller) -> list[dict[str, str]]:
    """Where the caller may deploy to."""
    found = machines.machines_of(caller)
    servers = [
        {"kind": "server", "id": str(server.id), "name": server.name, "presence": str(server.presence)}
        for server in found.servers
    ]
    clusters = [
        {
            "kind": "cluster",
            "id": str(cluster.id),
            "name": cluster.name,
            "presence": "",
            "servers": str(cluster.servers_count),
        }
        for cluster in found.clusters
    ]
    return servers + clusters


def dashboard(*, caller: Caller) -> dict[str, Any]:
    """What works now, what happened last, how the servers are."""
    unfinished = lists.newest(caller=caller, statuses=UNFINISHED, limit=ON_DASHBOARD)
    recent = lists.newest(caller=caller, statuses=FINISHED, limit=ON_DASHBOARD)
    names = machines.target_names(found.target for found in (*unfinished, *recent))
    return {
        "unfinished": [live.summary(found, target_name=names[found.target.id]) for found in unfinished],
        "recent": [live.summary(found, target_name=names[found.target.id]) for found in recent],
        "targets": targets(caller),
        "projects": len(access.projects_of(caller)),
        "looks": looks.as_json(),
        "address": {
            "state": reverse("admin:deployments_deployment_now"),
            "deployments": reverse("admin:deployments_deployment_changelist"),
            "projects": reverse("admin:deployments_project_changelist"),
            "addProject": reverse("admin:deployments_project_add"),
            "servers": reverse("admin:agents_server_changelist"),
        },
    }
