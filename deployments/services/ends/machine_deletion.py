"""Delete a server or cluster: forget it at once, or stop what runs there with proof and take it apart first.

Each step is found again from what is stored, so that whoever comes next goes on where a process died.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4, uuid5

import structlog
from django.db import transaction

from agents.isolation import isolation
from agents.services import directory
from agents.wording.sentences import sentence
from deployments.data.audit_types import AuditAction
from deployments.data.end_types import DeletionState, MachineDeletionRecord, MachineEnd
from deployments.data.installation_types import (
    InstallationAction,
    InstallationRequest,
    InstallationState,
    SshLogin,
)
from deployments.errors import Conflict, DeployError, Invalid, NotFound
from deployments.repositories import lanes, projects, users
from deployments.repositories.ends import machine_deletions
from deployments.repositories.installations import installation_rows
from deployments.services.audit.record import record
from deployments.services.ends import machine_ends, swarm_end
from deployments.services.ends.steps import Stuck
from deployments.services.fleet import machine_changes, machine_list
from deployments.services.installations import installation_requests
from deployments.services.permissions import access
from deployments.services.requests import stop
from deployments.states import FINISHED, Status
from deployments.types import Caller, Target, TargetKind

BATCH = 20
LOOP = "machine deletions"

logger = structlog.get_logger(__name__)


def delete_machine(*, caller: Caller, target: Target, typed_name: str, end: MachineEnd) -> MachineDeletionRecord:
    """Begin to delete a server or cluster, or continue what is stuck, also in another way. For its owner.

    FORGET is done when this returns; the rest is the reconciler's. History goes on naming the machine. Opens its own
    transaction. Raises NotFound, Invalid naming the field, or Conflict with what stands in the way.
    """
    name = machine_ends.name_of(caller=caller, target=target)
    if end not in machine_ends.WAYS[target.kind]:
        ways = ", ".join(machine_ends.WAYS[target.kind])
        raise Invalid(
            sentence("A {kind} cannot go like this.", kind=target.kind),
            details={"end": sentence("one of {ways}", ways=ways)},
        )
    if typed_name != name:
        raise Invalid(
            sentence("Type the {kind}'s whole name to delete it.", kind=target.kind),
            details={"name": sentence("not the {kind}'s", kind=target.kind)},
        )
    with transaction.atomic():
        _lock(target)
        found = machine_deletions.find(machine_id=target.id)
        if found is not None and found.state is DeletionState.DELETING:
            raise Conflict(sentence("The {kind} is being deleted already.", kind=target.kind))
        if why := machine_ends.why_not(target=target, end=end):
            raise Conflict(why)
        owner_id = directory.owner_of_target(target_id=target.id)
        assert owner_id is not None, "it was found above, and is locked"
        begun = machine_deletions.begin(target=target, name=name, owner_id=owner_id, end=end, caller=caller)
        detail = f"{target.kind} {name}: {end}"
        record(by=caller, action=AuditAction.MACHINE_DELETION_REQUESTED, detail=detail, server_id=target.id)
        if end is MachineEnd.FORGET:
            _take_away(target, by=caller)
    logger.info("machine is to be deleted", machine_id=str(target.id), end=str(end), by=caller.name)
    return machine_deletions.find(machine_id=target.id) or begun


def cancel_deletion(*, caller: Caller, target: Target) -> None:
    """Keep a machine that has not gone yet; what was stopped, uninstalled or has left stays so. For its owner.

    Opens its own transaction. Raises NotFound, or Conflict where nothing is to be cancelled, or while the agent is
    being removed.
    """
    name = machine_ends.name_of(caller=caller, target=target)
    with transaction.atomic():
        lanes.lock(lane=lane_of_deletion(target.id))
        _lock(target)
        if not machine_deletions.is_open(machine_id=target.id):
            raise Conflict(sentence("Nobody asked for this {kind} to be deleted.", kind=target.kind))
        if target.kind is TargetKind.SERVER and installation_rows.is_open(server_id=target.id):
            raise Conflict(sentence("Its agent is being removed. Cancel that first, or wait for the end."))
        machine_deletions.cancel(machine_id=target.id)
        record(by=caller, action=AuditAction.DELETION_CANCELLED, detail=f"{name} is kept", server_id=target.id)


def deletion_of(*, caller: Caller, machine_id: UUID) -> MachineDeletionRecord | None:
    """Return how far the machine's deletion is, also when it has gone; None when nobody asked for it.

    Raises NotFound for whoever does not own it, or did not when it went.
    """
    found = machine_deletions.find(machine_id=machine_id)
    owner_id = directory.owner_of_target(target_id=machine_id) or (found.owner_id if found else None)
    if owner_id is None or not (caller.sees_everything or owner_id == caller.user_id):
        raise NotFound(sentence("No such server or cluster."))
    return found


def lane_of_deletion(machine_id: UUID) -> str:
    return f"machine-deletion:{machine_id}"


def continue_all(*, at: datetime) -> int:
    """Take the next step of each deletion at work; returns how many moved. Several processes may do so."""
    moved = 0
    for machine_id in machine_deletions.at_work(limit=BATCH):
        if not isolation(LOOP).rests(machine_id):
            with isolation(LOOP).item(machine_id), transaction.atomic():
                # One at a time, so that nobody takes another's order for an obstacle.
                lanes.lock(lane=lane_of_deletion(machine_id))
                moved += _continue(machine_id, at=at)
    return moved


def _continue(machine_id: UUID, *, at: datetime) -> int:
    deletion = machine_deletions.find(machine_id=machine_id)
    if deletion is None or deletion.state is not DeletionState.DELETING:
        return 0
    try:
        caller = _caller_of(deletion)
        waits_for = _stop_all(deletion, caller=caller, at=at) or _take_apart(deletion, caller=caller, at=at)
        if not waits_for:
            return _finish(deletion, caller=caller)
    except (Stuck, DeployError) as error:
        return int(machine_deletions.note(machine_id=machine_id, state=DeletionState.STUCK, message=str(error)))
    return int(machine_deletions.note(machine_id=machine_id, state=DeletionState.DELETING, message=waits_for))


def _caller_of(deletion: MachineDeletionRecord) -> Caller:
    """Return who asked, with the rights that they have now. Raises Unauthenticated for an account that is disabled."""
    return access.caller_of(users.find(user_id=deletion.requested_by_id))


def target_of(deletion: MachineDeletionRecord) -> Target:
    return Target(kind=TargetKind(deletion.kind), id=deletion.machine_id)


def _attempt(deletion: MachineDeletionRecord) -> str:
    """Return what is the same in every process and after every crash, and another for each attempt."""
    return f"{deletion.attempt}:{int(deletion.requested_at.timestamp() * 1000)}"


def _stop_all(deletion: MachineDeletionRecord, *, caller: Caller, at: datetime) -> str:
    """Ask for a stop of whatever may run there; return what is waited for, empty when all is proven to be stopped."""
    target, waiting = target_of(deletion), ""
    machine_ends.name_of(caller=caller, target=target)
    for project_id in machine_ends.running_on(target):
        project = projects.get(project_id=project_id)
        made = stop.stop_for_deletion(
            caller=caller,
            project=project,
            target=target,
            deployment_id=uuid4(),
            request_id=f"delete-machine:{target.id}:{project_id}:{_attempt(deletion)}",
            at=at,
        )
        if made.status in FINISHED - {Status.SUCCESS}:
            raise Stuck(f"{project.name} could not be stopped ({str(made.id)[:8]}): {made.message or made.status}")
        waiting = f"Waiting for {project.name} to be stopped ({str(made.id)[:8]})."
    return waiting


def _take_apart(deletion: MachineDeletionRecord, *, caller: Caller, at: datetime) -> str:
    if deletion.end is MachineEnd.UNINSTALL:
        return _uninstall(deletion, caller=caller)
    if deletion.end is MachineEnd.DISSOLVE:
        return swarm_end.end_swarm(caller=caller, cluster_id=deletion.machine_id, attempt=_attempt(deletion), at=at)
    return ""


def _uninstall(deletion: MachineDeletionRecord, *, caller: Caller) -> str:
    """Have the agent removed with the kept login; return what is waited for. Raises Stuck where that failed."""
    installation_id = uuid5(deletion.machine_id, f"uninstall:{_attempt(deletion)}")
    try:
        made = installation_rows.get(installation_id=installation_id)
    except NotFound:
        kept = installation_requests.get_access(caller=caller, server_id=deletion.machine_id)
        if kept is None or not kept.has_login:
            raise Stuck("No login is kept for this server any more, so its agent cannot be removed.") from None
        wish = InstallationRequest(action=InstallationAction.UNINSTALL, address=kept.address, login=SshLogin())
        made = installation_requests.request_installation(
            caller=caller, server_id=deletion.machine_id, request=wish, installation_id=installation_id
        )
    if made.state in (InstallationState.FAILED, InstallationState.CANCELLED):
        raise Stuck(f"The agent was not removed: {made.message}")
    return "" if made.state is InstallationState.SUCCEEDED else "Waiting for the agent to be removed by SSH."


def _finish(deletion: MachineDeletionRecord, *, caller: Caller) -> int:
    """Remove the machine, all or nothing, unless something has begun there that has to end first."""
    target = target_of(deletion)
    with transaction.atomic():
        _lock(target)
        if target.kind is TargetKind.SERVER:
            why = machine_changes.what_is_underway(server_id=target.id)
        else:
            why = machine_changes.why_cluster_stays(cluster_id=target.id)
        if why:
            return int(machine_deletions.note(machine_id=target.id, state=DeletionState.DELETING, message=why))
        _take_away(target, by=caller)
    return 1


def _take_away(target: Target, *, by: Caller) -> None:
    """Remove the machine and say so. Inside a transaction that holds its lock, when nothing is under way there."""
    if target.kind is TargetKind.SERVER:
        server = machine_list.get_server(caller=by, server_id=target.id)
        machine_changes.take_away_server(server=server, by=by)
    else:
        cluster = machine_changes.get_cluster(caller=by, cluster_id=target.id)
        machine_changes.take_away_cluster(cluster=cluster, by=by)
    machine_deletions.finish(machine_id=target.id)


def _lock(target: Target) -> None:
    if target.kind is TargetKind.SERVER:
        directory.lock_server(server_id=target.id)
    else:
        directory.lock_cluster(cluster_id=target.id)
