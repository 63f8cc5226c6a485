"""What pages start from: the same shapes that sockets send, so one set of functions renders both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext

from deployments import wire
from deployments.admin import badges, machine_data
from deployments.admin.observation import now
from deployments.data.list_types import DeploymentFilter
from deployments.errors import DeployError
from deployments.event_types import EventType
from deployments.models import DeploymentEvent
from deployments.repositories import deployments, history, lanes
from deployments.repositories.paging import deployment_lists
from deployments.repositories.records import event_record
from deployments.services.fleet import machine_list
from deployments.services.history import snapshots
from deployments.services.incidents import people
from deployments.services.permissions import access
from deployments.services.projects import sources
from deployments.services.queries import addresses, grant_view, lane_view, lookups, project_view, timings
from deployments.services.requests import rollback
from deployments.states import ACTIVE, FINISHED, UNFINISHED, Kind, Status
from deployments.types import Caller, DeploymentRecord, Right
from deployments.wire import event_shape
from stackgen.keys.form import TRUE

MAX_TIMELINE_EVENTS = 400
MAX_LOG_EVENTS = 1500
MAX_ON_DASHBOARD = 12
MAX_LINKS = 5
# Routes of a page by the last part of their names.
DEPLOYMENT_ROUTES = ("state", "links", "files", "log", "cancel", "rollback")
PROJECT_ROUTES = (
    "state",
    "plan",
    "deploy",
    "history",
    "logs",
    "stop",
    "scale",
    "restart",
    "repair",
    "leave",
    "targets",
    "variables",
    "sparks",
)


def deployment_page(*, caller: Caller, deployment_id: UUID) -> dict[str, Any]:
    """Return the deployment, its timeline and the end of its log as of its `sequence`. Raise NotFound."""
    deployment = lookups.get_deployment(caller=caller, deployment_id=deployment_id)
    address = {
        name: reverse(f"admin:deployments_deployment_{name}", args=[deployment.id]) for name in DEPLOYMENT_ROUTES
    }
    events = _events(deployment, of_log=False, most=MAX_TIMELINE_EVENTS)
    return {
        "deployment": wire.snapshot_shape(deployment, target_name=machine_list.target_name(deployment.target)),
        "events": events,
        "path": timings.path_of(deployment, events=events),
        "logs": _events(deployment, of_log=True, most=MAX_LOG_EVENTS),
        **_links(caller, deployment),
        "machines": machine_data.pages_of(caller, [deployment.target]),
        "canDeploy": may_deploy(caller=caller, project_id=deployment.project_id),
        "badges": badges.as_json(),
        "address": {
            **address,
            "socket": f"/ws/deployments/{deployment.id}/",
            "project": reverse("admin:deployments_project_change", args=[deployment.project_id]),
            "variables": reverse("admin:deployments_project_variables", args=[deployment.project_id]),
        },
    }


def links_page(*, caller: Caller, deployment_id: UUID) -> dict[str, Any]:
    """Return the links alone, for pages that are open for long. Raise NotFound."""
    return _links(caller, lookups.get_deployment(caller=caller, deployment_id=deployment_id))


def _links(caller: Caller, deployment: DeploymentRecord) -> dict[str, Any]:
    return {
        "links": links_of(deployment),
        "addresses": _addresses(deployment),
        "volumes": _volumes([deployment]),
        "canRollBack": _can_roll_back(caller, deployment),
    }


def _can_roll_back(caller: Caller, deployment: DeploymentRecord) -> bool:
    """Return whether there is an earlier version to go back to."""
    try:
        rollback.choose_entry(caller=caller, deployment=deployment, target_deployment_id=None)
    except DeployError:
        return False
    return True


def _volumes(current: Iterable[DeploymentRecord]) -> dict[str, list[str]]:
    """Return by node the names of its volumes on the host, by the newest success that has it."""
    found: dict[str, list[str]] = {}
    for deployment in current:
        if deployment.status is Status.SUCCESS:
            for service in snapshots.services_with_volumes(deployment.config):
                found.setdefault(service.node_id, list(service.volumes))
    return found


def _addresses(deployment: DeploymentRecord) -> list[dict[str, str]]:
    """Return where a success answers; nothing for what did not succeed, which may not be there."""
    succeeded = deployment.status is Status.SUCCESS and deployment.kind is not Kind.STOP
    return [addresses.shape_of(each) for each in addresses.addresses_of(deployment)] if succeeded else []


def _addresses_by_target(current: Iterable[DeploymentRecord]) -> dict[str, list[dict[str, str]]]:
    """Return where the last success of each target answers; `current` is the newest first."""
    found: dict[str, list[dict[str, str]]] = {}
    for deployment in current:
        if deployment.status is Status.SUCCESS:
            found.setdefault(str(deployment.target.id), _addresses(deployment))
    return found


def links_of(deployment: DeploymentRecord) -> list[dict[str, str]]:
    """Return what the deployment has to do with others: words and the address of each."""
    own = history.of_deployment(deployment_id=deployment.id)
    linked = [(gettext("Version {version}").format(version=own.version), _history_address(deployment))] if own else []
    linked += _waited_for(deployment)
    if deployment.restores is not None:
        restored = history.get(history_id=deployment.restores)
        words = gettext("restores {version}").format(version=restored.version)
        linked.append((words, _address(restored.deployment_id)))
    if deployment.rollback_of is not None:
        words = gettext("undoes {id}").format(id=str(deployment.rollback_of)[:8])
        linked.append((words, _address(deployment.rollback_of)))
    for undoing in deployment_lists.rollbacks_of(deployment_id=deployment.id, limit=MAX_LINKS):
        badge = badges.deployment_badge(undoing)
        words = gettext("rollback {id}: {state}").format(id=str(undoing.id)[:8], state=badge.label.lower())
        linked.append((words, _address(undoing.id)))
    return [{"text": text, "address": address} for text, address in linked]


def _waited_for(deployment: DeploymentRecord) -> list[tuple[str, str]]:
    """Return for whom a deployment waits: who works on its target, and who is before it."""
    if deployment.status is not Status.PENDING:
        return []
    holder = lanes.holder(project_id=deployment.project_id, target_id=deployment.target.id)
    waiting = lanes.waiting(project_id=deployment.project_id, target_id=deployment.target.id)
    place = waiting.index(deployment.id) if deployment.id in waiting else 0
    before = [*([holder] if holder else []), *waiting[:place]][:MAX_LINKS]
    records = [deployments.get(deployment_id=each) for each in before]
    return [
        (
            gettext("waits for {kind} {id} by {requested_by}: {each}").format(
                kind=str(badges.KIND[each.kind]).lower(),
                id=str(each.id)[:8],
                requested_by=each.requested_by,
                each=_doing(each),
            ),
            _address(each.id),
        )
        for each in records
    ]


def _doing(deployment: DeploymentRecord) -> str:
    since = deployment.started_at or deployment.created_at
    label = badges.deployment_badge(deployment).label.lower()
    return gettext("{state} since {since:%Y-%m-%d %H:%M:%S} UTC").format(state=label, since=since)


def _address(deployment_id: UUID) -> str:
    return reverse("admin:deployments_deployment_change", args=[deployment_id])


def _history_address(deployment: DeploymentRecord) -> str:
    return f"{reverse('admin:deployments_project_history', args=[deployment.project_id])}?target={deployment.target.id}"


def _events(deployment: DeploymentRecord, *, of_log: bool, most: int) -> list[dict[str, Any]]:
    """Return the last `most` events up to the record's own sequence, oldest first."""
    rows = DeploymentEvent.objects.filter(deployment=deployment.id, sequence__lte=deployment.last_sequence)
    chosen = rows.filter(type=EventType.LOG_WRITTEN) if of_log else rows.exclude(type=EventType.LOG_WRITTEN)
    newest = list(chosen.order_by("-sequence")[:most])
    return [event_shape(event_record(row)) for row in reversed(newest)]


def may_deploy(*, caller: Caller, project_id: UUID) -> bool:
    return may(caller=caller, project_id=project_id, right=Right.DEPLOY)


def may(*, caller: Caller, project_id: UUID, right: Right) -> bool:
    return access.may(caller=caller, project_id=project_id, right=right)


def project_page(*, caller: Caller, project_id: UUID) -> dict[str, Any]:
    """Return the project, what goes on in it, its graph and where it may be deployed. Raise NotFound."""
    view = project_view.view_project(caller=caller, project_id=project_id)
    graph = sources.latest_graph(caller=caller, project_id=project_id)
    project_targets = grant_view.targets_of(caller=caller, project_id=project_id)
    usable = tuple(target.server for target in project_targets if target.usable)
    places = machine_data.targets(usable) + machine_data.ready_clusters(caller, view.project)
    return {
        "project": wire.project_shape(view.project),
        "owner": access.owner_name(view.project),
        "deployments": [wire.summary_shape(d, target_name=view.target_names[d.target.id]) for d in view.deployments],
        "addresses": _addresses_by_target(view.deployments),
        "gone": sorted(str(each) for each in machine_list.gone_among({d.target.id for d in view.deployments})),
        "machines": machine_data.pages_of(caller, (d.target for d in view.deployments)),
        "volumes": _volumes(view.deployments),
        "graph": graph.graph if graph else {"nodes": [], "edges": []},
        "stacks": lane_view.seen_shapes(caller=caller, project_id=project_id),
        "incidents": people.open_briefs(caller=caller, project_id=project_id)[0],
        "graphVersion": graph.version if graph else 0,
        "hasExternal": has_external(graph.graph if graph else {}),
        "code": sources.code_of(caller=caller, project_id=project_id),
        "targets": machine_data.recently_used_first(
            places,
            # Where it succeeded comes before where it was only tried.
            [str(each.target.id) for each in sorted(view.deployments, key=lambda d: d.status is not Status.SUCCESS)],
        ),
        "labels": machine_data.labels_of(usable),
        "offered": len(project_targets) - len(usable),
        "canDeploy": may_deploy(caller=caller, project_id=project_id),
        "canChange": may(caller=caller, project_id=project_id, right=Right.CHANGE),
        "deletion": view.project.deletion,
        "canEnd": access.may_end(caller=caller, project=view.project),
        "canApprove": may(caller=caller, project_id=project_id, right=Right.APPROVE),
        "canManage": may(caller=caller, project_id=project_id, right=Right.MANAGE),
        "badges": badges.as_json(),
        "address": {
            "socket": f"/ws/projects/{project_id}/",
            **{name: reverse(f"admin:deployments_project_{name}", args=[project_id]) for name in PROJECT_ROUTES},
            "deployments": reverse("admin:deployments_deployment_changelist"),
            "incidents": reverse("admin:deployments_incident_changelist"),
        },
    }


def has_external(graph: Mapping[str, Any]) -> bool:
    """Return whether the graph, as it was stored, has a node that lies elsewhere."""
    configs = (((node.get("data") or {}).get("config") or {}) for node in graph.get("nodes", ()))
    return any(str(config.get("external", "")).strip().lower() in TRUE for config in configs)


def dashboard(*, caller: Caller) -> dict[str, Any]:
    """Return what works now, what happened last, how the servers are."""
    working = deployment_lists.newest(caller=caller, statuses=ACTIVE, limit=MAX_ON_DASHBOARD)
    unfinished = (*working, *deployment_lists.newest(caller=caller, statuses=[Status.PENDING], limit=MAX_ON_DASHBOARD))[
        :MAX_ON_DASHBOARD
    ]
    recent = deployment_lists.newest(caller=caller, statuses=FINISHED, limit=MAX_ON_DASHBOARD)
    names = machine_list.target_names(deployment.target for deployment in (*unfinished, *recent))
    return {
        "underWay": sum(
            deployment_lists.selection_of(caller=caller, matching=DeploymentFilter(status=status)).total()
            for status in UNFINISHED
        ),
        "unfinished": [
            wire.summary_shape(deployment, target_name=names[deployment.target.id]) for deployment in unfinished
        ],
        "recent": [wire.summary_shape(deployment, target_name=names[deployment.target.id]) for deployment in recent],
        **machine_data.machines_at_a_glance(caller),
        "stacks": now.stacks_now(caller),
        "incidents": now.incidents_now(caller),
        "projects": len(access.projects_of(caller)),
        "badges": badges.as_json(),
        "address": {
            "state": reverse("admin:deployments_deployment_now"),
            "deployments": reverse("admin:deployments_deployment_changelist"),
            "projects": reverse("admin:deployments_project_changelist"),
            "incidents": reverse("admin:deployments_incident_changelist"),
            "addProject": reverse("admin:deployments_project_add"),
            "newProject": reverse("admin:deployments_project_new"),
            "servers": reverse("admin:agents_server_changelist"),
            "addServer": reverse("admin:agents_server_add"),
            "clusters": reverse("admin:agents_cluster_changelist"),
        },
    }
