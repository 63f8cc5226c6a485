"""Shapes and numbers of the platform's wire: camelCase keys, enums as integers, times in epoch milliseconds. Pure.

Values of variables are no part of any shape: `envVars` holds their names and a mask.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deployments.data.incident_types import IncidentRecord
from deployments.data.list_types import Page
from deployments.data.log_types import LogPart
from deployments.data.stack_event_types import StackEventRecord
from deployments.event_types import epoch_ms, service_payload
from deployments.rules.observed import SeenStack
from deployments.states import Stage, Status
from deployments.types import DeploymentRecord, EventRecord, ProjectRecord, ServiceState, TargetKind

MASK = "***"
# The status of every answer, over REST and Kafka.
SUCCESS, ERROR = 1, 2
STATUS_NUMBERS: Mapping[Status, int] = {status: number for number, status in enumerate(Status, start=1)}
STAGE_NUMBERS: Mapping[Stage, int] = {stage: number for number, stage in enumerate(Stage)}
STATUS_OF_NUMBER: Mapping[int, Status] = {number: status for status, number in STATUS_NUMBERS.items()}
CONFIG_KEYS = ("dockerComposeYml", "dockerfiles", "dockerImages", "serviceDependencies")
EMPTY_CONFIG: Mapping[str, Any] = {
    "dockerComposeYml": "",
    "dockerfiles": {},
    "dockerImages": {},
    "serviceDependencies": [],
}
# How far a service is, in the numbers of DeploymentStatus.
BROKEN_STATES = frozenset({"exited", "restarting", "removed"})
HEALTHY = frozenset({"healthy", "none"})


def service_status(service: ServiceState) -> Status:
    """Return how far a service is, as a status of a deployment: pending, in progress, success or failed."""
    if service.health == "unhealthy" or service.state in BROKEN_STATES:
        return Status.FAILED
    if service.state == "running" and service.health in HEALTHY:
        return Status.SUCCESS
    return Status.PENDING if service.state == "waiting" else Status.IN_PROGRESS


def service_shape(service: ServiceState, *, server_id: str) -> dict[str, Any]:
    """Return the contract's ServiceDeploymentStatus, and beside it what the agent saw."""
    seen = service_payload(service)
    return {
        **seen,
        "serviceId": service.node_id,
        "serverId": server_id,
        "status": STATUS_NUMBERS[service_status(service)],
    }


def service_shapes(deployment: DeploymentRecord) -> list[dict[str, Any]]:
    server_id = str(deployment.target.id) if deployment.target.kind is TargetKind.SERVER else ""
    return [service_shape(service, server_id=server_id) for service in deployment.services]


def deployment_shape(deployment: DeploymentRecord) -> dict[str, Any]:
    """Return the contract's Deployment, with reason, stage and progress beside it."""
    config = {**EMPTY_CONFIG, **{key: deployment.config[key] for key in CONFIG_KEYS if key in deployment.config}}
    return {
        "id": str(deployment.id),
        "projectId": str(deployment.project_id),
        f"{deployment.target.kind}Id": str(deployment.target.id),
        "status": STATUS_NUMBERS[deployment.status],
        "kind": deployment.kind,
        "requestedBy": deployment.requested_by,
        "serviceStatuses": service_shapes(deployment),
        "envVars": dict.fromkeys(deployment.env_names, MASK),
        "config": config,
        # True in a list whose files together are too large; one by one they are answered whole.
        "configOmitted": bool(deployment.config.get("omitted")),
        "currentStage": STAGE_NUMBERS[deployment.stage],
        "progressPercent": deployment.progress,
        "reason": str(deployment.reason),
        "errorMessage": deployment.message,
        "failedService": deployment.failed_service,
        "logTail": list(deployment.log_tail),
        "version": deployment.version,
        "description": deployment.description,
        "restartedService": deployment.restarted_service,
        "movedTo": str(deployment.moves.get("nodeName", "")),
        "graphVersion": deployment.graph_version,
        "forceRedeploy": deployment.force_redeploy,
        "cancelRequestedAt": epoch_ms(deployment.cancel_requested_at),
        "cancelConfirmedAt": epoch_ms(deployment.cancel_confirmed_at),
        "rollbackOf": str(deployment.rollback_of or ""),
        "rolledBackBy": str(deployment.rolled_back_by or ""),
        "cause": str(deployment.cause.get("message", "")),
        "lastSequence": deployment.last_sequence,
        "startedAt": epoch_ms(deployment.started_at),
        "completedAt": epoch_ms(deployment.completed_at),
        "createdAt": epoch_ms(deployment.created_at),
        "updatedAt": epoch_ms(deployment.updated_at),
    }


def status_shape(deployment: DeploymentRecord) -> dict[str, Any]:
    """Return what getDeploymentStatus answers."""
    return {
        "status": STATUS_NUMBERS[deployment.status],
        "serviceStatuses": service_shapes(deployment),
        "currentStage": STAGE_NUMBERS[deployment.stage],
        "progressPercent": deployment.progress,
        "reason": str(deployment.reason),
        "errorMessage": deployment.message,
    }


def summary_shape(deployment: DeploymentRecord, *, target_name: str = "") -> dict[str, Any]:
    """Return a deployment as sockets, lists and project pages of the admin show it.

    Statuses and stages are words here, as in the stored events: events turn an old summary into exactly a fresh one.
    """
    return {
        "id": str(deployment.id),
        "projectId": str(deployment.project_id),
        "projectName": deployment.project_name,
        "kind": deployment.kind,
        "requestedBy": deployment.requested_by,
        "target": {"kind": str(deployment.target.kind), "id": str(deployment.target.id), "name": target_name},
        "status": str(deployment.status),
        "stage": str(deployment.stage),
        "progress": deployment.progress,
        "reason": str(deployment.reason),
        "message": deployment.message,
        "failedService": deployment.failed_service,
        "logTail": list(deployment.log_tail),
        "services": [service_payload(service) for service in deployment.services],
        "attempts": deployment.attempts,
        "version": deployment.version,
        "description": deployment.description,
        "restartedService": deployment.restarted_service,
        "graphVersion": deployment.graph_version,
        "cancelRequestedAt": epoch_ms(deployment.cancel_requested_at),
        "cancelRequestedBy": deployment.cancel_requested_by,
        "cancelConfirmedAt": epoch_ms(deployment.cancel_confirmed_at),
        "rollbackOf": str(deployment.rollback_of or ""),
        "rolledBackBy": str(deployment.rolled_back_by or ""),
        "cause": str(deployment.cause.get("message", "")),
        "deadlineAt": epoch_ms(deployment.deadline_at),
        "startedAt": epoch_ms(deployment.started_at),
        "completedAt": epoch_ms(deployment.completed_at),
        "createdAt": epoch_ms(deployment.created_at),
        "sequence": deployment.last_sequence,
    }


def snapshot_shape(deployment: DeploymentRecord, *, target_name: str = "") -> dict[str, Any]:
    """Return a deployment as its page shows it: the summary, its graph and the names of its variables."""
    return {
        **summary_shape(deployment, target_name=target_name),
        "graph": deployment.graph,
        "envNames": list(deployment.env_names),
        "forceRedeploy": deployment.force_redeploy,
    }


def project_shape(project: ProjectRecord) -> dict[str, Any]:
    """Return a project as the first message of its socket and its page show it."""
    return {"id": str(project.id), "name": project.name, "slug": project.slug, "concurrency": project.concurrency}


def seen_shape(seen: SeenStack) -> dict[str, Any]:
    """A stack as it is seen now, or that nobody can know it."""
    state = seen.state
    return {
        "state": str(state.condition),
        "since": state.since_ms,
        "seenAt": epoch_ms(seen.seen_at),
        "message": state.message,
        "services": [
            {
                "nodeId": service.node_id,
                "serviceName": service.name,
                "state": str(service.condition),
                "running": service.running,
                "replicas": service.copies,
                "since": service.since_ms,
                "message": service.message,
                # One for each copy on a cluster; none on a server.
                "tasks": [
                    {
                        "name": task.name,
                        "host": task.host,
                        "state": task.state,
                        "since": task.since_ms,
                        "message": task.message,
                    }
                    for task in service.tasks
                ],
            }
            for service in state.services
        ],
        "strangers": list(state.strangers),
    }


def event_shape(event: EventRecord) -> dict[str, Any]:
    """Return an event as REST, sockets, pages and Kafka have it."""
    return {
        "id": str(event.id),
        "deploymentId": str(event.deployment_id),
        "projectId": str(event.project_id),
        "sequence": event.sequence,
        "type": event.type,
        # What is not an object was not stored by us: the event counts, its payload is not known.
        "payload": dict(event.payload) if isinstance(event.payload, Mapping) else {},
        "createdAt": epoch_ms(event.created_at),
    }


def stack_event_shape(event: StackEventRecord) -> dict[str, Any]:
    """Return an event of a stack as Kafka has it."""
    return {
        "id": str(event.id),
        "projectId": str(event.project_id),
        "serverId": str(event.server_id),
        "sequence": event.sequence,
        "type": event.type,
        "payload": dict(event.payload),
        "createdAt": epoch_ms(event.created_at),
    }


def incident_brief(incident: IncidentRecord, *, server_name: str) -> dict[str, Any]:
    """Return an incident as the dashboard and a project's page list it."""
    return {
        "id": str(incident.id),
        "projectId": str(incident.project_id),
        "projectName": incident.project_name,
        "serverId": str(incident.server_id),
        "serverName": server_name,
        "cause": incident.cause,
        "severity": incident.severity,
        "message": incident.message,
        "since": incident.since_ms,
        "quietSince": epoch_ms(incident.quiet_since),
        "acknowledgedBy": incident.acknowledged_by,
    }


def incident_shape(incident: IncidentRecord, *, server_name: str) -> dict[str, Any]:
    """Return an incident as REST and pages have it."""
    return {
        "id": str(incident.id),
        "projectId": str(incident.project_id),
        "projectName": incident.project_name,
        "serverId": str(incident.server_id),
        "serverName": server_name,
        "cause": incident.cause,
        "severity": incident.severity,
        "message": incident.message,
        "services": list(incident.services),
        "containers": [dict(container) for container in incident.containers],
        "logTail": list(incident.log_tail),
        "deploymentId": str(incident.deployment_id or ""),
        "since": incident.since_ms,
        "openedAt": epoch_ms(incident.opened_at),
        "updatedAt": epoch_ms(incident.updated_at),
        "closedAt": epoch_ms(incident.closed_at),
        "acknowledgedAt": epoch_ms(incident.acknowledged_at),
        "acknowledgedBy": incident.acknowledged_by,
        "mutedUntil": epoch_ms(incident.muted_until),
    }


def pagination_shape(page: Page[Any]) -> dict[str, int]:
    return {"page": page.page, "limit": page.limit, "total": page.total, "totalPages": page.total_pages}


def log_part_shape(part: LogPart) -> dict[str, Any]:
    """Return lines of containers as REST and sockets show them."""
    return {
        "lines": [
            {
                "at": str(line.at_ns),
                "server": line.server,
                "service": line.service,
                "container": line.container,
                "stream": "stderr" if line.is_error_stream else "stdout",
                "text": line.text,
            }
            for line in part.lines
        ],
        "leftOut": part.left_out,
        "remarks": list(part.remarks),
    }
