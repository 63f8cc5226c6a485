"""Delete a project: stop its stacks with proof, delete its volumes where that is wanted, then free its name.

Each step is found again from what is stored, so that whoever comes next goes on where a process died.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4, uuid5

import structlog
from django.db import transaction

from agents import gateway
from agents.isolation import isolation
from agents.services import directory
from agents.wording.sentences import sentence
from deployments import live_updates
from deployments.data.audit_types import AuditAction
from deployments.data.end_types import (
    DeletionState,
    ProjectDeletionRecord,
    VolumeDeletionState,
    VolumeLine,
    VolumeState,
)
from deployments.errors import Conflict, DeployError, Invalid
from deployments.repositories import lanes, projects
from deployments.repositories.ends import project_deletions, volume_deletions
from deployments.repositories.observation import observed_stacks
from deployments.services.audit.record import record
from deployments.services.ends import volume_deletion, volumes, what_runs
from deployments.services.ends.steps import Stuck
from deployments.services.permissions import access
from deployments.services.requests import stop
from deployments.states import FINISHED, Status
from deployments.types import Caller, DeploymentRecord, ProjectRecord, Right, Target, TargetKind

BATCH = 20
LOOP = "project deletions"

logger = structlog.get_logger(__name__)


def delete_project(*, caller: Caller, project_id: UUID, typed_name: str, delete_volumes: bool) -> ProjectDeletionRecord:
    """Begin to delete a project, or continue what is stuck; the reconciler does the rest. For the owner.

    Its history stays readable, and cannot be brought back. Opens its own transaction. Raises NotFound, Forbidden,
    Invalid when the name is not the project's, or Conflict while a deployment is not finished.
    """
    project = access.project_to_end(caller=caller, project_id=project_id)
    if typed_name != project.name:
        raise Invalid(
            sentence("Type the project's whole name to delete it."),
            details={"name": sentence("not the project's name")},
        )
    with transaction.atomic():
        projects.lock_whole(project_id=project_id)
        found = project_deletions.find(project_id=project_id)
        if found is not None and found.state is not DeletionState.STUCK:
            raise Conflict(
                sentence(
                    "The project is {value}.", value="gone" if found.state is DeletionState.DELETED else found.state
                )
            )
        if lanes.unfinished(project_id=project_id, limit=1):
            raise Conflict(sentence("A deployment of the project is not finished. Wait for its end, or cancel it."))
        project_deletions.begin(project=project, delete_volumes=delete_volumes, caller=caller)
        detail = f"{project.name}, {'with' if delete_volumes else 'without'} its volumes"
        record(by=caller, action=AuditAction.PROJECT_DELETED, detail=detail, project_id=project_id)
        transaction.on_commit(lambda: live_updates.wake_projects([project_id]))
    logger.info("project is to be deleted", project_id=str(project_id), by=caller.name)
    begun = project_deletions.find(project_id=project_id)
    assert begun is not None, "it was stored just now"
    return begun


def cancel_deletion(*, caller: Caller, project_id: UUID) -> None:
    """Keep a project whose deletion has removed nothing yet; what was stopped stays stopped. For the owner.

    Opens its own transaction. Raises NotFound, Forbidden, or Conflict when something was removed, or ordered to be.
    """
    project = access.project_to_end(caller=caller, project_id=project_id)
    with transaction.atomic():
        # As whoever takes its next step does, so that neither acts on what the other changes.
        lanes.lock(lane=lane_of_deletion(project_id))
        projects.lock_whole(project_id=project_id)
        if not may_cancel(project_id=project_id):
            raise Conflict(
                sentence("The project's deletion cannot be cancelled: something was removed, or it is not underway.")
            )
        project_deletions.cancel(project_id=project_id)
        detail = f"{project.name} is kept"
        record(by=caller, action=AuditAction.DELETION_CANCELLED, detail=detail, project_id=project_id)
        transaction.on_commit(lambda: live_updates.wake_projects([project_id]))


def may_cancel(*, project_id: UUID) -> bool:
    """Return whether a deletion is underway or stuck that has ordered no volume's end. It may begin right after."""
    found = project_deletions.find(project_id=project_id)
    if found is None or found.state is DeletionState.DELETED:
        return False
    return not volume_deletions.ordered_since(project_id=project_id, moment=found.requested_at)


def lane_of_deletion(project_id: UUID) -> str:
    return f"project-deletion:{project_id}"


def deletion_of(*, caller: Caller, project_id: UUID) -> ProjectDeletionRecord | None:
    """Return how far the project's deletion is; None when nobody asked for it. Raises NotFound for strangers."""
    access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    return project_deletions.find(project_id=project_id)


def continue_all(*, at: datetime) -> int:
    """Take the next step of each deletion at work; returns how many moved. Several processes may do so."""
    moved = 0
    for project_id in project_deletions.at_work(limit=BATCH):
        if not isolation(LOOP).rests(project_id):
            with isolation(LOOP).item(project_id), transaction.atomic():
                # One at a time, so that nobody takes another's order for an obstacle.
                lanes.lock(lane=lane_of_deletion(project_id))
                moved += _continue(project_id, at=at)
    return moved


def _continue(project_id: UUID, *, at: datetime) -> int:
    deletion = project_deletions.find(project_id=project_id)
    if deletion is None or deletion.state is not DeletionState.DELETING:
        return 0
    project = projects.get(project_id=project_id)
    try:
        waits_for = _stop_all(deletion, project, at=at) or _delete_volumes(deletion, project, at=at)
    except (Stuck, DeployError) as error:
        why = str(error)
        return int(project_deletions.note(project_id=project_id, state=DeletionState.STUCK, message=why))
    if waits_for:
        state = DeletionState.DELETING
        return int(project_deletions.note(project_id=project_id, state=state, message=waits_for))
    return _finish(project, at=at)


def _finish(project: ProjectRecord, *, at: datetime) -> int:
    with transaction.atomic():
        projects.lock_whole(project_id=project.id)
        found = project_deletions.find(project_id=project.id)
        if found is None or found.state is not DeletionState.DELETING:
            # Another process has done it.
            return 0
        if lanes.unfinished(project_id=project.id, limit=1):
            return 0
        for target_id in project_deletions.kept_targets(project_id=project.id):
            # Its images go then, by the agents' own clean-up.
            gateway.announce_retention(target_id=target_id)
        project_deletions.finish(project=project, at=at)
        transaction.on_commit(lambda: live_updates.wake_projects([project.id]))
    return 1


def _stop_all(deletion: ProjectDeletionRecord, project: ProjectRecord, *, at: datetime) -> str:
    """Ask for a stop wherever something may run; return what is waited for, empty when all is proven to be stopped."""
    if unfinished := lanes.unfinished(project_id=project.id, limit=1):
        return f"Waiting for the {unfinished[0].kind} {str(unfinished[0].id)[:8]}."
    waiting = ""
    for server_id in sorted(_servers_with_something(project)):
        made = _ask_stop(deletion, project, server_id=server_id, at=at)
        if made.status in FINISHED - {Status.SUCCESS}:
            raise Stuck(f"The stop {str(made.id)[:8]} did not succeed: {made.message or made.status}")
        waiting = f"Waiting for the stop {str(made.id)[:8]}."
    return waiting


def _servers_with_something(project: ProjectRecord) -> set[UUID]:
    """Return the servers, still known, whose last start of the project is not a stop that was proven."""
    servers = observed_stacks.deployed_to(project_id=project.id)
    known = directory.server_names(server_ids=servers)
    return {server_id for server_id in known if what_runs.may_run(project_id=project.id, target_id=server_id)}


def _ask_stop(
    deletion: ProjectDeletionRecord, project: ProjectRecord, *, server_id: UUID, at: datetime
) -> DeploymentRecord:
    caller = _caller_of(deletion)
    # The same in every process and after every crash: one attempt makes one stop. A deletion that was cancelled and
    # asked for anew is another one, by its time.
    asked_at = int(deletion.requested_at.timestamp() * 1000)
    request_id = f"delete-project:{project.id}:{server_id}:{deletion.attempt}:{asked_at}"
    return stop.stop_for_deletion(
        caller=caller,
        project=project,
        target=Target(kind=TargetKind.SERVER, id=server_id),
        deployment_id=uuid4(),
        request_id=request_id,
        at=at,
    )


def _caller_of(deletion: ProjectDeletionRecord) -> Caller:
    return Caller(user_id=deletion.requested_by_id, name=deletion.requested_by)


def _delete_volumes(deletion: ProjectDeletionRecord, project: ProjectRecord, *, at: datetime) -> str:
    """Order the end of each volume where that is wanted; return what is waited for, empty when none is left."""
    if not deletion.delete_volumes:
        return ""
    left = volumes.lines_of(project=project)
    for line in left:
        if line.why_unknown:
            raise Stuck(f"{line.server_name}: {line.why_unknown} Its volumes stay until it is known.")
        _order_end(deletion, line, at=at)
    return f"Waiting for {len(left)} volumes to go." if left else ""


def _order_end(deletion: ProjectDeletionRecord, line: VolumeLine, *, at: datetime) -> None:
    # The same in every process and after every crash: one attempt makes one order.
    order_id = uuid5(deletion.project_id, f"{line.server_id}:{line.volume.name}:{deletion.attempt}")
    if volume_deletions.exists(deletion_id=order_id):
        made = volume_deletions.get(deletion_id=order_id)
        if made.state in (VolumeDeletionState.REFUSED, VolumeDeletionState.UNKNOWN):
            raise Stuck(f"{made.volume} on {made.server_name}: {made.message}")
        return
    if line.state is VolumeState.USED:
        raise Stuck(f"{line.volume.name} on {line.server_name} is used by {', '.join(line.volume.used_by)}.")
    if not line.deleting:
        volume_deletion.delete_with_project(caller=_caller_of(deletion), line=line, deletion_id=order_id, at=at)
