"""Delete a volume that nothing uses: asked for by name, done by the server's agent, kept as a row that stays."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction

from agents import gateway
from agents.contracts.version import VOLUMES_PROTOCOL
from agents.services import directory
from agents.states import CommandOutcome, Presence
from agents.types import CommandFinished, DeleteVolumeCommand, Report, Verdict
from agents.wording.sentences import sentence
from deployments import live_updates
from deployments.data.end_types import VolumeDeletionRecord, VolumeDeletionState, VolumeLine, VolumeState
from deployments.errors import Conflict, NotFound
from deployments.repositories import lanes
from deployments.repositories.ends import volume_deletions
from deployments.services.ends import volumes
from deployments.services.fleet import machine_list
from deployments.services.lifecycle import command_ids, unanswered
from deployments.services.permissions import access
from deployments.types import Caller, Right, lane_of

# How long an agent may take, before nobody waits for it any more.
WAIT = timedelta(minutes=10)
BATCH = 100
OVERDUE = "ends of overdue volume deletions"
NOT_SENT = "The server's agent did not pick up the command within 10 minutes; nothing was deleted."
NO_WORD = (
    "The server's agent did not report the outcome within 10 minutes: whether the volume is still"
    " there is unknown until the agent says so."
)

logger = structlog.get_logger(__name__)
UNFINISHED = sentence("A deployment of the project to this server is not finished. Wait for its end.")
DELETING = sentence("The volume is already being deleted.")


def delete_project_volume(
    *, caller: Caller, project_id: UUID, server_id: UUID, name: str, deletion_id: UUID, at: datetime
) -> VolumeDeletionRecord:
    """Order a volume of the project to be deleted, its data with it. For the project's owner.

    Opens its own transaction. Raises NotFound, Forbidden, or Conflict while anything uses or names it.
    """
    access.project_to_end(caller=caller, project_id=project_id)
    lines = volumes.list_project_volumes(caller=caller, project_id=project_id)
    line = _named(lines, server_id=server_id, name=name)
    return _order(caller=caller, line=line, deletion_id=deletion_id, at=at)


def delete_server_volume(
    *, caller: Caller, server_id: UUID, name: str, deletion_id: UUID, at: datetime
) -> VolumeDeletionRecord:
    """Order a volume on a server of the caller's to be deleted, whose-ever project had it. Raises as above."""
    lines = volumes.list_server_volumes(caller=caller, server_id=server_id)
    line = _named(lines, server_id=server_id, name=name)
    return _order(caller=caller, line=line, deletion_id=deletion_id, at=at)


def list_project_deletions(*, caller: Caller, project_id: UUID) -> tuple[VolumeDeletionRecord, ...]:
    """Return which volumes of the project people had deleted, newest first. Raises NotFound for strangers."""
    access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    return volume_deletions.newest(project_id=project_id)


def list_server_deletions(*, caller: Caller, server_id: UUID) -> tuple[VolumeDeletionRecord, ...]:
    """Return which volumes on the server people had deleted, newest first. Raises NotFound for strangers."""
    machine_list.get_server(caller=caller, server_id=server_id)
    return volume_deletions.newest(server_id=server_id)


def _named(lines: Iterable[VolumeLine], *, server_id: UUID, name: str) -> VolumeLine:
    found = next((line for line in lines if (line.server_id, line.volume.name) == (server_id, name)), None)
    if found is None:
        raise NotFound(sentence("No such volume on this server."), details={"name": sentence("not found")})
    return found


def delete_with_project(*, caller: Caller, line: VolumeLine, deletion_id: UUID, at: datetime) -> None:
    """Order a volume of a project that goes to be deleted, although the project names it. Raises Conflict."""
    _order(caller=caller, line=line, deletion_id=deletion_id, at=at, also_kept=True)


def _order(
    *, caller: Caller, line: VolumeLine, deletion_id: UUID, at: datetime, also_kept: bool = False
) -> VolumeDeletionRecord:
    """Store the wish and its order in one transaction that holds the lane, so that nothing is asked for meanwhile."""
    if line.state is VolumeState.USED or (line.state is VolumeState.KEPT and not also_kept):
        raise Conflict(_why_it_stays(line), details={"name": str(line.state)})
    project_id = line.volume.project_id
    if project_id is None:
        raise Conflict(sentence("The volume does not belong to a project here, so it cannot be deleted from here."))
    agent = directory.agents_of_servers(server_ids=[line.server_id]).get(line.server_id)
    if agent is None or agent.presence is not Presence.ONLINE:
        raise Conflict(
            sentence("The server's agent is not connected, so it cannot be checked whether the volume is in use.")
        )
    if agent.protocol < VOLUMES_PROTOCOL:
        raise Conflict(sentence("The server's agent is too old to delete volumes. Bring it up to date."))
    lane = lane_of(project_id=project_id, target_id=line.server_id)
    try:
        with transaction.atomic():
            lanes.lock(lane=lane)
            if lanes.holder(project_id=project_id, target_id=line.server_id) or lanes.waiting(
                project_id=project_id, target_id=line.server_id
            ):
                raise Conflict(UNFINISHED)
            stored = volume_deletions.add(
                deletion_id=deletion_id,
                volume=line.volume,
                project_id=project_id,
                project_name=line.project_name,
                server_id=line.server_id,
                server_name=line.server_name,
                caller=caller,
                wait=WAIT,
            )
            gateway.send(
                command_id=command_ids.delete_volume_command_id(deletion_id),
                agent_id=agent.id,
                lane=lane,
                deployment_id=deletion_id,
                project_id=project_id,
                command=DeleteVolumeCommand(
                    stack_name=line.volume.name.partition("_")[0], volume_name=line.volume.name
                ),
            )
            transaction.on_commit(lambda: live_updates.wake_projects([project_id]))
    except IntegrityError as error:
        raise Conflict(DELETING, details={"name": sentence("being deleted")}) from error
    logger.info("volume is to be deleted", volume=line.volume.name, by=caller.name, at=at.isoformat())
    return stored


def _why_it_stays(line: VolumeLine) -> str:
    if line.state is VolumeState.USED:
        return f"{line.volume.name} is used by {', '.join(line.volume.used_by)}."
    return f"{line.volume.name} belongs to a node of the project; remove the node and deploy first."


def is_of_a_deletion(*, command_id: UUID) -> bool:
    """Tell whether an order of the ledger is one to delete a volume: its id is the wish's."""
    return volume_deletions.exists(deletion_id=command_id)


def apply_report(*, report: Report, at: datetime) -> int:
    """Store what the agent says of an order to delete a volume; return the highest stored number of its command.

    Opens its own transaction. Only the last report counts, and it counts also when it comes late.
    """
    with transaction.atomic():
        deletion = volume_deletions.get_locked(deletion_id=report.command_id)
        verdict = gateway.accept_report(command_id=report.command_id, number=report.number, agent_id=report.agent_id)
        if deletion is None or verdict.verdict is not Verdict.FRESH or not isinstance(report.body, CommandFinished):
            return verdict.last_number
        gateway.finish(command_id=report.command_id)
        done = report.body.outcome is CommandOutcome.SUCCEEDED
        state = VolumeDeletionState.DELETED if done else VolumeDeletionState.REFUSED
        volume_deletions.end(deletion_id=deletion.id, state=state, message=report.body.message, at=at)
        transaction.on_commit(lambda: live_updates.wake_projects([deletion.project_id]))
    return verdict.last_number


def end_as_unknown(*, command_id: UUID, at: datetime) -> None:
    """End a wish of which nobody can know what became. Opens its own transaction."""
    with transaction.atomic():
        _end_overdue(command_id, at=at, withdraw=False)


def expire(*, at: datetime) -> int:
    """End wishes whose agent never answered; returns how many. What was never sent is taken back."""
    overdue = volume_deletions.overdue(limit=BATCH)
    return unanswered.end_each(overdue, loop=OVERDUE, end=lambda each: _end_overdue(each, at=at, withdraw=True))


def _end_overdue(deletion_id: UUID, *, at: datetime, withdraw: bool) -> int:
    deletion = volume_deletions.get_locked(deletion_id=deletion_id)
    if deletion is None or deletion.state is not VolumeDeletionState.PENDING:
        return 0
    taken_back = unanswered.take_back(order_id=deletion_id, withdraw=withdraw)
    state = VolumeDeletionState.REFUSED if taken_back else VolumeDeletionState.UNKNOWN
    volume_deletions.end(deletion_id=deletion_id, state=state, message=NOT_SENT if taken_back else NO_WORD, at=at)
    return 1
