"""One machine, enrolled as two servers: two lanes of a project there would be one stack, and would fight for it."""

from __future__ import annotations

from uuid import UUID

from agents.services import directory
from agents.wording.sentences import sentence
from deployments.errors import Conflict
from deployments.repositories import history, lanes
from deployments.services.fleet import machine_list
from deployments.states import Kind
from deployments.types import Target, TargetKind


def refuse(*, project_id: UUID, target: Target) -> None:
    """Raise Conflict when the project is deployed, or being deployed, to this machine under another server's name."""
    if target.kind is not TargetKind.SERVER:
        return
    _, others = directory.on_same_engine(server_id=target.id)
    for other_id in others:
        if _is_taken(project_id=project_id, server_id=other_id):
            other = machine_list.target_name(Target(kind=TargetKind.SERVER, id=other_id))
            raise Conflict(
                sentence(
                    "This server is the same machine as {other}, where the project is deployed already. "
                    "Deploy to {other}, or stop the project there first.",
                    other=other,
                ),
                details={"serverId": sentence("the same machine as another server")},
            )


def refuse_at_start(*, project_id: UUID, target: Target) -> None:
    """Refuse at a start, one at a time per project and machine. Inside a transaction that holds the lane's lock."""
    engine_id, others = directory.on_same_engine(server_id=target.id)
    if others:
        lanes.lock(lane=f"{project_id}@engine:{engine_id}")
        refuse(project_id=project_id, target=target)


def _is_taken(*, project_id: UUID, server_id: UUID) -> bool:
    """Return whether something of the project works there, or was proven there last."""
    if lanes.holder(project_id=project_id, target_id=server_id) is not None:
        return True
    proven = history.running(project_id=project_id, target_id=server_id)
    return proven is not None and proven.kind != Kind.STOP
