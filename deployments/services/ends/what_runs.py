"""Whether anything of a project may run on a target, by what is stored of it."""

from __future__ import annotations

from uuid import UUID

from deployments.repositories import history, lanes
from deployments.states import Kind


def may_run(*, project_id: UUID, target_id: UUID) -> bool:
    """Return whether the last that was started there is anything but a stop that was proven."""
    last = lanes.last_started(project_id=project_id, target_id=target_id)
    proven = history.running(project_id=project_id, target_id=target_id)
    stopped_by = proven.deployment_id if proven is not None and proven.kind == Kind.STOP else None
    return last is not None and last.id != stopped_by
