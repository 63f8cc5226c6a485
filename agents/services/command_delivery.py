"""What the gateway process asks of the ledger while it serves sessions. No call here touches the network."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from agents.claim import Claim
from agents.db_errors import DATABASE_AWAY
from agents.isolation import isolation
from agents.limits import MAX_MESSAGE_BYTES, MAX_NAME_BYTES
from agents.reports.report_bounds import cut
from agents.repositories import agents, assignments, commands, delivery, gateways, updates
from agents.states import CommandOutcome
from agents.types import CommandFinished, Report, Sighting

CHANNEL = commands.CHANNEL
# The agent's word for a number below one that it has received in the lane.
STALE = "stale_number"
RETENTION_CHANNEL = gateways.RETENTION_CHANNEL
LOGS_CHANNEL = gateways.LOGS_CHANNEL
ENDED_CHANNEL = gateways.ENDED_CHANNEL
TRUST_CHANNEL = gateways.TRUST_CHANNEL
RUNS_CHANNEL = gateways.RUNS_CHANNEL
UPDATES_CHANNEL = updates.CHANNEL


def claim_due(*, session_ids: Collection[UUID], limit: int) -> Claim:
    """Take commands to write now, in lane order, marked as sent, MAX_CLAIMED_BYTES at most and the small ones first.

    One statement for all sessions.
    """
    return delivery.claim_due(session_ids=session_ids, limit=limit)


def acknowledge(*, command_id: UUID, agent_id: UUID) -> None:
    """Note that the agent has the command in its journal. Raises CommandNotFound, also for another agent's."""
    commands.acknowledge(command_id=command_id, agent_id=agent_id)


def refuse(*, command_id: UUID, agent_id: UUID, refusal: str, message: str, at: datetime) -> Report | None:
    """Note the refusal; returns the report that tells the deployment, or None when the command was closed before.

    Applying that report ends in gateway.finish, which closes the command as refused. A number that an earlier state of
    the ledger used before is replaced by a new one instead, and the command sent again. Raises CommandNotFound.
    """
    refusal, message = cut(refusal, MAX_NAME_BYTES), cut(message, MAX_MESSAGE_BYTES)
    if refusal == STALE and commands.renumber(command_id=command_id, agent_id=agent_id):
        return None
    command = commands.note_refusal(command_id=command_id, agent_id=agent_id, refusal=refusal, message=message)
    if command is None:
        return None
    sentence = message or f"The agent refused the command: {refusal}."
    return Report(
        command_id=command.id,
        deployment_id=command.deployment_id,
        agent_id=agent_id,
        number=command.last_report_number + 1,
        at=at,
        body=CommandFinished(outcome=CommandOutcome.FAILED, reason="refused", message=sentence),
    )


def belongs(*, command_id: UUID, agent_id: UUID, deployment_id: UUID) -> bool:
    """Tell whether a report with these ids can be true: an agent speaks of its own commands only."""
    return assignments.belongs(command_id=command_id, agent_id=agent_id, deployment_id=deployment_id)


def beat_and_touch(*, gateway_id: UUID, seen: Mapping[UUID, Sighting]) -> frozenset[UUID]:
    """Store that this gateway listens and whom it heard, in one statement.

    What an agent said of itself that cannot be stored is left out for a while: it was heard of all the same, and no
    other pays for it. Returns the agents whose session still speaks for them.
    """
    loop = isolation("heartbeats")
    seen = {each: _bare(sighting) if loop.rests(each) else sighting for each, sighting in seen.items()}
    try:
        return gateways.beat_and_touch(gateway_id=gateway_id, seen=seen)
    except DATABASE_AWAY:
        raise
    except Exception:
        return _touch_each(gateway_id=gateway_id, seen=seen)


def _touch_each(*, gateway_id: UUID, seen: Mapping[UUID, Sighting]) -> frozenset[UUID]:
    still, loop = set[UUID](), isolation("heartbeats")
    for agent_id, sighting in seen.items():
        with loop.item(agent_id):
            still |= gateways.beat_and_touch(gateway_id=gateway_id, seen={agent_id: sighting})
        if loop.rests(agent_id):
            still |= gateways.beat_and_touch(gateway_id=gateway_id, seen={agent_id: _bare(sighting)})
    return frozenset(still)


def _bare(sighting: Sighting) -> Sighting:
    """Return that the agent was heard of, without what it said of itself."""
    return Sighting(session_id=sighting.session_id)


def speaks(*, agent_id: UUID, session_id: UUID) -> bool:
    """Tell whether this session speaks for the agent."""
    return agents.has_session(agent_id=agent_id, session_id=session_id)


def send_again(*, agent_id: UUID, deployment_id: UUID, owner_id: UUID) -> bool:
    """Hurry the deployment's unfinished commands; False when this owner has none with this agent."""
    return delivery.make_deployment_due(agent_id=agent_id, deployment_id=deployment_id, owner_id=owner_id)
