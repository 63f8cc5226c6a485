"""Look at what runs on a server and is not ours: asked for by its owner, told by its agent, kept sealed for a day."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction

from agents import gateway
from agents.command_types import InspectHostCommand
from agents.contracts.version import ADOPTION_PROTOCOL
from agents.services import directory
from agents.states import CommandOutcome, Presence
from agents.types import CommandFinished, Report, Verdict
from agents.wording.sentences import sentence
from deployments.data.adoption_types import AdoptionRecord, AdoptionState, ContainerGroup, SeenContainer
from deployments.data.audit_types import AuditAction
from deployments.errors import Conflict, Invalid, NotFound
from deployments.repositories.adoption import adoption_rows
from deployments.services.audit.record import record
from deployments.services.fleet import machine_list
from deployments.services.lifecycle import command_ids, unanswered
from deployments.services.secrets import sealing
from deployments.types import Caller
from stackgen.compose_import.inspection.containers import Group, Seen, groups_of, read_seen

# How long an agent may take, and how long what it told is kept when no project is made of it.
WAIT, KEEP = timedelta(minutes=5), timedelta(days=1)
BATCH = 100
OVERDUE = "ends of looks at servers"
NOT_SENT = "The server's agent did not pick up the command within 5 minutes."
NO_WORD = "The server's agent did not answer within 5 minutes."
NOBODY_ASKED = "This was not requested."
NOT_THERE = "What was seen is not kept any more. Look again."

logger = structlog.get_logger(__name__)


def lane_of_server(server_id: UUID) -> str:
    """Return the lane of the ledger in which looks at a server go; projects have others."""
    return f"server:{server_id}"


def inspect_server(*, caller: Caller, server_id: UUID, adoption_id: UUID) -> AdoptionRecord:
    """Have the server's agent describe its containers, for the server's owner. Opens its own transaction.

    Raises NotFound for strangers, Conflict where the agent cannot be asked or is being asked.
    """
    server = machine_list.get_server(caller=caller, server_id=server_id)
    agent = directory.agents_of_servers(server_ids=[server_id]).get(server_id)
    if agent is None or agent.presence is not Presence.ONLINE:
        raise Conflict(sentence("The server's agent is not connected, so nobody can look at its containers."))
    if agent.protocol < ADOPTION_PROTOCOL:
        raise Conflict(sentence("The server's agent is too old to describe containers. Bring it up to date."))
    try:
        with transaction.atomic():
            stored = adoption_rows.add(
                adoption_id=adoption_id, server_id=server_id, server_name=server.name, caller=caller, wait=WAIT
            )
            gateway.send(
                command_id=command_ids.inspect_host_command_id(adoption_id),
                agent_id=agent.id,
                lane=lane_of_server(server_id),
                deployment_id=adoption_id,
                project_id=server_id,
                command=InspectHostCommand(),
            )
            record(by=caller, action=AuditAction.CONTAINERS_READ, detail=server.name, server_id=server_id)
    except IntegrityError as error:
        raise Conflict(sentence("Somebody is looking at this server already.")) from error
    logger.info("containers are to be described", server_id=str(server_id), by=caller.name)
    return stored


def last_inspection(*, caller: Caller, server_id: UUID) -> tuple[AdoptionRecord | None, tuple[ContainerGroup, ...]]:
    """Return the last look at a server, and what can be taken over by it. Raises NotFound for strangers."""
    machine_list.get_server(caller=caller, server_id=server_id)
    last = adoption_rows.newest(server_id=server_id)
    if last is None or last.state is not AdoptionState.DESCRIBED:
        return last, ()
    return last, tuple(_shown(group) for group in groups_of(opened(last)))


def opened(adoption: AdoptionRecord) -> tuple[Seen, ...]:
    """Return what an agent told, values of variables in it. Raises Conflict when it is not kept, or not readable."""
    if adoption.state is not AdoptionState.DESCRIBED:
        raise Conflict(NOT_THERE)
    try:
        told = sealing.unseal_told(sealed=adoption.sealed, adoption_id=adoption.id)
        return read_seen(json.loads(told)["containers"])
    except (sealing.CannotUnsealError, ValueError, KeyError) as error:
        raise Conflict(NOT_THERE) from error


def take_told(*, command_id: UUID, adoption_id: UUID, containers: bytes) -> None:
    """Seal what an agent told for the look that asked for it. Opens its own transaction.

    Raises NotFound for any other command, Invalid for what is no such description. The caller has checked that the
    command is the agent's.
    """
    if command_ids.inspect_host_command_id(adoption_id) != command_id:
        raise NotFound(NOBODY_ASKED)
    try:
        text = containers.decode()
        read_seen(json.loads(text)["containers"])
    except (ValueError, KeyError, TypeError) as error:
        raise Invalid(sentence("This is not a description of containers.")) from error
    sealed = sealing.seal_told(told=text, adoption_id=adoption_id)
    if not adoption_rows.keep_told(adoption_id=adoption_id, sealed=sealed):
        raise NotFound(NOBODY_ASKED)


def is_inspection(*, command_id: UUID) -> bool:
    """Tell whether an order of the ledger is a look at a server: its id is the look's."""
    return adoption_rows.exists(adoption_id=command_id)


def apply_report(*, report: Report, at: datetime) -> int:
    """Store how a look ended; return the highest stored number of its command. Opens its own transaction."""
    with transaction.atomic():
        adoption = adoption_rows.get_locked(adoption_id=report.command_id)
        verdict = gateway.accept_report(command_id=report.command_id, number=report.number, agent_id=report.agent_id)
        if verdict.verdict is not Verdict.FRESH or not isinstance(report.body, CommandFinished):
            return verdict.last_number
        gateway.finish(command_id=report.command_id)
        message = report.body.message
        if report.body.outcome is CommandOutcome.SUCCEEDED and adoption.sealed:
            adoption_rows.describe(adoption_id=adoption.id, message=message, keep=KEEP, at=at)
        else:
            adoption_rows.refuse(adoption_id=adoption.id, message=message)
    return verdict.last_number


def end_as_unknown(*, command_id: UUID) -> None:
    """End a look of which nobody can know what became. Opens its own transaction."""
    with transaction.atomic():
        _end_overdue(command_id, withdraw=False)


def expire() -> int:
    """End looks whose agent never answered, and forget what nobody used; returns how many."""
    overdue = adoption_rows.overdue(limit=BATCH)
    return unanswered.end_each(overdue, loop=OVERDUE, end=lambda each: _end_overdue(each, withdraw=True))


def _end_overdue(adoption_id: UUID, *, withdraw: bool) -> int:
    adoption = adoption_rows.get_locked(adoption_id=adoption_id)
    if adoption.state is not AdoptionState.ASKED:
        return int(adoption_rows.forget(adoption_id=adoption_id))
    taken_back = unanswered.take_back(order_id=adoption_id, withdraw=withdraw)
    return int(adoption_rows.refuse(adoption_id=adoption_id, message=NOT_SENT if taken_back else NO_WORD))


def _shown(group: Group) -> ContainerGroup:
    return ContainerGroup(
        key=group.key,
        name=group.name,
        is_project=group.is_project,
        why_not=group.why_not,
        containers=tuple(
            SeenContainer(name=each.name, image=str(each.config.get("Image", "")), volumes=tuple(sorted(each.volumes)))
            for each in group.containers
        ),
    )
