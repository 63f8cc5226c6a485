"""Bring agents to the version that this control plane has: asked for, looked at, cancelled."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction

from agents.contracts.version import UPDATES_PROTOCOL
from agents.reports.update_rules import RolloutRecord, UpdateCheck
from agents.services import updates
from agents.services.updates import Candidate
from agents.wording.sentences import sentence
from deployments.data.audit_types import AuditAction
from deployments.errors import Conflict, Invalid, NotFound
from deployments.services.audit.record import record
from deployments.services.fleet import machine_changes
from deployments.types import Caller

MAX_SERVERS = 5000
MAX_SHOWN = 20
NOTHING = "All of these agents run the newest version already, or there is none."
CANNOT = "This agent was not installed from the control plane's archive, so it cannot update itself."
TOO_OLD = "This agent is too old to update itself: run the line of the server's page once more there."
logger = structlog.get_logger(__name__)


def request_updates(*, caller: Caller, server_ids: Collection[UUID] | None, rollout_id: UUID) -> RolloutRecord:
    """Have the agents on these servers of the caller's, or on all, become the newest version, in waves.

    Those that run it already are left out; those that cannot update themselves are passed over, with a word. Opens its
    own transaction. Raises NotFound for a server that is not the caller's or has no agent, Invalid for too many,
    Conflict where there is nothing to do or one of them is being updated already.
    """
    if server_ids is not None and not 1 <= len(server_ids) <= MAX_SERVERS:
        raise Invalid(
            sentence("Name 1 to {max_servers} servers.", max_servers=MAX_SERVERS),
            details={"servers": sentence("1 to {max_servers}", max_servers=MAX_SERVERS)},
        )
    found = updates.candidates(owner_id=_narrowed(caller), server_ids=server_ids)
    if server_ids is not None and {each.server_id for each in found} != set(server_ids):
        raise NotFound(
            sentence("One of these servers is not there, or has no agent."), details={"servers": sentence("not found")}
        )
    wanted = [each for each in found if not each.current]
    if not wanted:
        raise Conflict(NOTHING)
    try:
        with transaction.atomic():
            updates.start_rollout(
                rollout_id=rollout_id, agents=_able_first(wanted), by_id=caller.user_id, by_name=caller.name
            )
            for each in wanted:
                detail = f"to version {updates.latest_version()}"
                record(by=caller, action=AuditAction.AGENT_UPDATE_REQUESTED, detail=detail, server_id=each.server_id)
    except IntegrityError as error:
        raise Conflict(
            sentence("One of these agents is being updated already. Wait for the end, or cancel that.")
        ) from error
    logger.info("agent updates requested", rollout_id=str(rollout_id), agents=len(wanted), by=caller.name)
    return get_rollout(caller=caller, rollout_id=rollout_id)


def _able_first(wanted: list[Candidate]) -> list[Candidate]:
    """Return those first that can update themselves: the first wave is to tell whether the new version is good."""
    return sorted(wanted, key=lambda each: not each.able)


def _narrowed(caller: Caller) -> UUID | None:
    return None if caller.sees_everything else caller.user_id


def list_behind(*, caller: Caller) -> tuple[Candidate, ...]:
    """Return the caller's agents that do not run the newest version, by the server's name."""
    return tuple(each for each in updates.candidates(owner_id=_narrowed(caller)) if not each.current)


def latest_version() -> str:
    return updates.latest_version()


def update_agent(*, caller: Caller, agent_id: UUID, rollout_id: UUID) -> RolloutRecord:
    """Have one agent become the newest version. Raises NotFound, Conflict where it is not to be or cannot."""
    check = check_update(caller=caller, agent_id=agent_id)
    if check.why_not:
        raise Conflict(check.why_not)
    agent = machine_changes.get_agent(caller=caller, agent_id=agent_id)
    return request_updates(caller=caller, server_ids=[agent.server_id], rollout_id=rollout_id)


def check_update(*, caller: Caller, agent_id: UUID) -> UpdateCheck:
    """Return which version the agent is, and which one there is for it. Raises NotFound."""
    agent = machine_changes.get_agent(caller=caller, agent_id=agent_id)
    (found,) = updates.candidates(owner_id=None, server_ids=[agent.server_id]) or (None,)
    current = found is not None and found.current
    why = "" if current or found is None or found.able else (CANNOT if agent.protocol >= UPDATES_PROTOCOL else TOO_OLD)
    return UpdateCheck(
        agent_id=agent.id,
        current_version=agent.info.version,
        latest_version=updates.latest_version(),
        available=not current,
        why_not=why,
    )


def get_rollout(*, caller: Caller, rollout_id: UUID) -> RolloutRecord:
    """Return a rollout that the caller asked for. Raises NotFound, also for somebody else's."""
    found = updates.get_rollout(rollout_id=rollout_id)
    if found is None or not (caller.sees_everything or found.requested_by_id == caller.user_id):
        raise NotFound(sentence("No such update."))
    return found


def list_rollouts(*, caller: Caller) -> tuple[RolloutRecord, ...]:
    """Return the newest rollouts that the caller asked for, all of them for who sees everything."""
    return updates.newest_rollouts(limit=MAX_SHOWN, by_id=_narrowed(caller))


def cancel_rollout(*, caller: Caller, rollout_id: UUID) -> RolloutRecord:
    """Let nothing more begin; what was told goes on to its end. Raises NotFound, Conflict where it has ended."""
    get_rollout(caller=caller, rollout_id=rollout_id)
    if not updates.cancel(rollout_id=rollout_id):
        raise Conflict(sentence("This update has ended, or is being cancelled already."))
    return get_rollout(caller=caller, rollout_id=rollout_id)


def advance_all() -> int:
    """Go on with every rollout that has not ended; returns in how many something changed. For the reconciler."""
    return sum(updates.advance(rollout_id=each) for each in updates.running_rollouts(limit=50))
