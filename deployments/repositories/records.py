"""Rows to records and back. Nothing here asks the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from deployments.models import DeploymentEvent, DeploymentHistory, GraphVersion, Project
from deployments.states import Kind, Reason, Stage, Status
from deployments.types import (
    DeploymentRecord,
    EventRecord,
    GraphRecord,
    HistoryEntry,
    ProjectRecord,
    ServiceState,
    Snapshot,
    Target,
    TargetKind,
)

SERVICE_FIELDS = dict.fromkeys(field.name for field in fields(ServiceState))
KNOWN_REASONS = frozenset(member.value for member in Reason)
KNOWN_STAGES = frozenset(member.value for member in Stage)
KNOWN_KINDS = frozenset(member.value for member in Kind)


def project_record(row: Project) -> ProjectRecord:
    return ProjectRecord(
        id=row.id,
        owner_id=row.owner_id,
        name=row.name,
        slug=row.slug,
        concurrency=row.concurrency,
        restore_on_failure=row.restore_on_failure,
        health_deadline=row.health_deadline,
        health_window=row.health_window,
        retention=row.retention,
        automatic_repair=row.automatic_repair,
        repairs_per_hour=row.repairs_per_hour,
        soak_minutes=row.soak_minutes,
        encrypt_networks=row.encrypt_networks,
        deletion=row.deletion,
    )


def graph_record(row: GraphVersion) -> GraphRecord:
    return GraphRecord(
        id=row.pk, project_id=row.project_id, version=row.version, graph=row.graph, created_at=row.created_at
    )


def event_record(row: DeploymentEvent) -> EventRecord:
    return EventRecord(
        id=row.id,
        deployment_id=row.deployment_id,
        project_id=row.project_id,
        sequence=row.sequence,
        type=row.type,
        payload=row.payload,
        created_at=row.created_at,
    )


def service_to_json(state: ServiceState) -> dict[str, Any]:
    """Return a service as it is stored in deployments.service_statuses."""
    deployed_at = state.deployed_at.isoformat() if state.deployed_at else None
    # Not asdict: it copies each value by itself, which takes ten times as long, and a stack may have a thousand.
    values = {name: getattr(state, name) for name in SERVICE_FIELDS}
    return {**values, "container_ids": list(state.container_ids), "deployed_at": deployed_at}


def service_from_json(raw: Mapping[str, Any]) -> ServiceState:
    """Read a service from deployments.service_statuses."""
    # Another version may have stored more, which is left out, or less, which takes its default.
    known = {name: value for name, value in raw.items() if name in SERVICE_FIELDS}
    deployed_at = datetime.fromisoformat(raw["deployed_at"]) if raw.get("deployed_at") else None
    container_ids = tuple(raw.get("container_ids", ()))
    return ServiceState(**{**known, "container_ids": container_ids, "deployed_at": deployed_at})


def progress_columns(*, services: tuple[ServiceState, ...] | None, config: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the columns of a deployment that hold these; none for what is None."""
    columns: dict[str, Any] = {} if config is None else {"config": dict(config)}
    if services is not None:
        columns["service_statuses"] = [service_to_json(state) for state in services]
    return columns


def kind_of(name: str) -> Kind:
    """Return UNKNOWN for a kind that only a newer version knows."""
    return Kind(name) if name in KNOWN_KINDS else Kind.UNKNOWN


def _reason(name: str) -> Reason:
    """Return INTERNAL for a reason that only a newer version knows."""
    return Reason(name) if name in KNOWN_REASONS else Reason.INTERNAL


def target_of(*, server_id: UUID | None, cluster_id: UUID | None) -> Target:
    if server_id is not None:
        return Target(kind=TargetKind.SERVER, id=server_id)
    if cluster_id is not None:
        return Target(kind=TargetKind.CLUSTER, id=cluster_id)
    raise ValueError("A deployment without a target cannot be stored.")


# Marks a config whose files were left out of a list, because all together were too large.
OMITTED = "omitted"

# What a record needs of the row and of its neighbours, and nothing of what is secret or large beside it.
DEPLOYMENT_COLUMNS = (
    "id",
    "project_id",
    "project__name",
    "project__owner_id",
    "owner_id",
    "requested_by__username",
    "kind",
    "server_id",
    "cluster_id",
    "status",
    "stage",
    "progress",
    "reason",
    "message",
    "failed_service",
    "log_tail",
    "service_statuses",
    "env_vars",
    "config",
    "history__version",
    "description",
    "restarted_service",
    "graph_version__version",
    "graph_version__graph",
    "code",
    "force_redeploy",
    "request_id",
    "approval",
    "replicas",
    "renews",
    "cause",
    "moves",
    "restores_id",
    "rollback_of_id",
    "rolled_back_by_id",
    "former_status",
    "attempts",
    "base_number",
    "last_sequence",
    "cancel_requested_at",
    "cancel_requested_by__username",
    "cancel_confirmed_at",
    "deadline_at",
    "started_at",
    "completed_at",
    "created_at",
    "updated_at",
)


def deployment_record(row: Mapping[str, Any]) -> DeploymentRecord:
    """Return the record of the values of DEPLOYMENT_COLUMNS, JSON decoded."""
    return DeploymentRecord(
        id=row["id"],
        project_id=row["project_id"],
        project_name=row["project__name"],
        project_owner_id=row["project__owner_id"],
        owner_id=row["owner_id"],
        requested_by=row["requested_by__username"],
        kind=kind_of(row["kind"]),
        target=target_of(server_id=row["server_id"], cluster_id=row["cluster_id"]),
        status=Status(row["status"]),
        stage=Stage(row["stage"]) if row["stage"] in KNOWN_STAGES else Stage.NONE,
        progress=row["progress"],
        reason=_reason(row["reason"]),
        message=row["message"],
        failed_service=row["failed_service"],
        log_tail=tuple(row["log_tail"]),
        services=tuple(service_from_json(raw) for raw in row["service_statuses"]),
        env_names=tuple(sorted(row["env_vars"])),
        config=row["config"],
        version=row["history__version"] or "",
        description=row["description"],
        restarted_service=row["restarted_service"],
        graph_version=row["graph_version__version"],
        graph=row["graph_version__graph"],
        code=row["code"],
        force_redeploy=row["force_redeploy"],
        request_id=row["request_id"],
        approval=row["approval"],
        replicas=row["replicas"] or {},
        restores=row["restores_id"],
        rollback_of=row["rollback_of_id"],
        rolled_back_by=row["rolled_back_by_id"],
        former_status=row["former_status"],
        attempts=row["attempts"],
        base_number=row["base_number"],
        last_sequence=row["last_sequence"],
        cancel_requested_at=row["cancel_requested_at"],
        cancel_requested_by=row["cancel_requested_by__username"] or "",
        cancel_confirmed_at=row["cancel_confirmed_at"],
        deadline_at=row["deadline_at"],
        started_at=row["started_at"],
        completed_at=row["completed_at"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        renews=tuple(row["renews"] or ()),
        cause=row["cause"] or {},
        moves=row["moves"] or {},
    )


def history_entry(row: Any) -> HistoryEntry:
    """Return the entry of a row of repositories.history.light_rows."""
    return HistoryEntry(
        id=row.id,
        deployment_id=row.deployment_id,
        project_id=row.project_id,
        target=target_of(server_id=row.deployment.server_id, cluster_id=row.deployment.cluster_id),
        number=row.number,
        version=row.version,
        kind=kind_of(row.deployment.kind),
        graph_version=row.kept_graph_version,
        rolled_back=row.rolled_back,
        created_at=row.created_at,
        requested_by=row.deployment.requested_by.get_username(),
        images=row.kept_images,
        env_names=tuple(row.kept_env_names),
        key_version=row.key_version,
        dropped=row.dropped_at is not None,
    )


def snapshot_record(row: DeploymentHistory) -> Snapshot:
    """Return the snapshot of a row with its deployment joined."""
    deployment, kept = row.deployment, row.deployment_snapshot
    return Snapshot(
        history_id=row.id,
        deployment_id=row.deployment_id,
        graph_version_id=deployment.graph_version_id,
        code=kept.get("code", {}),
        config=kept.get("config", {}),
        images=kept["images"],
        replicas=kept.get("replicas", {}),
        # Entries of an earlier version have their sealed values with the deployment only.
        sealed_variables=row.sealed_variables or deployment.sealed_variables,
        env_vars=deployment.env_vars if row.env_vars is None else row.env_vars,
    )
