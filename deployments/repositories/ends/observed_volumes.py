"""What agents see of the volumes on their hosts, and which of them a project still names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from agents.reports.volumes import VolumeSeen
from deployments.data.end_types import HostVolume, HostVolumesRow
from deployments.models import ObservedVolumes
from deployments.repositories import history


def store(*, agent_id: UUID, server_id: UUID, session_id: UUID, volumes: Iterable[VolumeSeen], skew_ms: int) -> None:
    """Replace what the host was known to have. Inside a transaction that holds the agent's row."""
    listed = [
        {
            "name": each.name,
            "project": str(each.project_id) if each.project_id else None,
            "created": max(1, each.created_at_ms - skew_ms) if each.created_at_ms else 0,
            "size": each.size_bytes,
            "usedBy": list(each.used_by),
        }
        for each in volumes
    ]
    # Of an agent that is enrolled anew: the host is the same.
    ObservedVolumes.objects.filter(server_id=server_id).exclude(agent_id=agent_id).delete()
    ObservedVolumes.objects.update_or_create(
        agent_id=agent_id,
        defaults={"server_id": server_id, "session_id": session_id, "volumes": listed, "observed_at": Now()},
    )


def on_servers(*, server_ids: Collection[UUID]) -> tuple[HostVolumesRow, ...]:
    """Return what was told last of these servers; those that nobody told of are left out."""
    rows = ObservedVolumes.objects.filter(server_id__in=server_ids).order_by("server_id")
    return tuple(
        HostVolumesRow(
            agent_id=row.agent_id,
            server_id=row.server_id,
            session_id=row.session_id,
            observed_at=row.observed_at,
            volumes=tuple(_volume(each) for each in row.volumes),
        )
        for row in rows
    )


def forget_server(*, server_id: UUID) -> None:
    """Drop what was seen on a server that is being removed."""
    ObservedVolumes.objects.filter(server_id=server_id).delete()


def kept_configs(*, project_id: UUID, target_id: UUID, limit: int) -> tuple[tuple[int, Mapping[str, Any]], ...]:
    """Return number and configuration of the lane's kept versions, newest first."""
    rows = history.in_lane(project_id=project_id, target_id=target_id).filter(dropped_at__isnull=True)
    found = rows.values_list("number", "deployment_snapshot__config")[:limit]
    return tuple((number, config or {}) for number, config in found)


def _volume(stored: Mapping[str, Any]) -> HostVolume:
    return HostVolume(
        name=stored["name"],
        project_id=UUID(stored["project"]) if stored["project"] else None,
        created_ms=stored["created"],
        size_bytes=stored["size"],
        used_by=tuple(stored["usedBy"]),
    )
