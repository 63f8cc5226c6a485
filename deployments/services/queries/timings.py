"""Where the time of a deployment went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deployments.repositories import projects
from deployments.services.history import snapshots
from deployments.services.queries.critical_path import as_json, critical_path
from deployments.states import Status
from deployments.types import DeploymentRecord


def path_of(deployment: DeploymentRecord, *, events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the critical path of a success, from its events as they are shown; empty for anything else."""
    if deployment.status is not Status.SUCCESS:
        return []
    needs = {service.name: service.depends_on for service in snapshots.services_of(deployment.config)}
    project = projects.get(project_id=deployment.project_id)
    return as_json(critical_path(events, needs=needs, window_ms=project.health_window * 1000))
