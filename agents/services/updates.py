"""Agents become another version, in waves: rows say how far each is, so whoever is there goes on with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from agents.contracts.packages import packages_name
from agents.contracts.version import UPDATES_PROTOCOL
from agents.distribution.artifact import agent_artifact
from agents.distribution.wheels import HostPython, packed_wheels
from agents.limits import MAX_MESSAGE_BYTES
from agents.reports.report_bounds import cut
from agents.reports.update_rules import (
    TOLD,
    TOLD_DONE,
    TOLD_FAILED,
    AgentNow,
    AgentUpdateRecord,
    RolloutRecord,
    RolloutState,
    UpdateOrder,
    UpdateState,
    next_step,
    summary,
    turn_of,
    wave_of,
)
from agents.repositories import agents, updates

CHANNEL = updates.CHANNEL
# How long an agent may be busy before it is passed over, and how long one that was told may take.
WAIT_FOR_TURN = timedelta(hours=24)
WAIT_FOR_END = timedelta(minutes=30)
BUILD_CHARACTERS = 16
STOPPED = "Not begun: the update of another agent failed before."
CANCELLED = "Cancelled before it began."
UNHEARD = "The agent has not said within 30 minutes that it runs the new version. Look at the server."
logger = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An agent that could be updated. `current`: it runs the newest version; `able`: it can update itself."""

    agent_id: UUID
    server_id: UUID
    server_name: str
    version: str
    current: bool
    able: bool


def latest_version() -> str:
    """Return the version that this control plane has for agents."""
    return agent_artifact().version


def latest_build() -> str:
    """Return what names the archive that this control plane has for agents."""
    return agent_artifact().digest[:BUILD_CHARACTERS]


def candidates(*, owner_id: UUID | None, server_ids: Collection[UUID] | None = None) -> tuple[Candidate, ...]:
    """Return an owner's (or everybody's) agents, on these servers or all, by the server's name; one statement."""
    build = latest_build()
    return tuple(
        Candidate(
            agent_id=row["id"],
            server_id=row["server_id"],
            server_name=row["server_called"],
            version=row["version"],
            current=row["build"] == build,
            able=row["protocol"] >= UPDATES_PROTOCOL and bool(row["build"]),
        )
        for row in updates.agents_to_update(owner_id=owner_id, server_ids=server_ids)
    )


def start_rollout(*, rollout_id: UUID, agents: Sequence[Candidate], by_id: UUID, by_name: str) -> None:
    """Store a rollout to the newest version and begin with its first wave. Opens its own transaction.

    Raises IntegrityError where one of the agents is being updated already.
    """
    artifact = agent_artifact()
    with transaction.atomic():
        updates.add_rollout(
            rollout_id=rollout_id,
            version=artifact.version,
            digest=artifact.digest,
            agents=[
                (each.agent_id, each.server_id, each.server_name, each.version, wave_of(place, of=len(agents)))
                for place, each in enumerate(agents)
            ],
            by_id=by_id,
            by_name=by_name,
            wait=WAIT_FOR_TURN,
        )
        _advance(rollout_id)


def advance(*, rollout_id: UUID) -> bool:
    """Do what is due in a rollout, in one transaction under its lock; tells whether anything changed."""
    with transaction.atomic():
        return _advance(rollout_id)


def _advance(rollout_id: UUID) -> bool:
    changed = False
    # Each pass may open the next wave, or end it; there are as many as waves and ends.
    for _ in range(8):
        rollout = updates.lock_rollout(rollout_id=rollout_id)
        if rollout is None or rollout.state is not RolloutState.RUNNING:
            return changed
        if not _pass(rollout):
            return changed
        changed = True
    return changed


def _pass(rollout: RolloutRecord) -> bool:
    """Do one step; tells whether it changed anything that may open another."""
    now = updates.database_now()
    late = [each.id for each in rollout.updates if each.state is UpdateState.ORDERED and now >= each.deadline_at]
    if late:
        updates.end(update_ids=late, state=UpdateState.FAILED, message=UNHEARD)
        return True
    step = next_step(rollout.updates, cancelled=rollout.cancel_requested_at is not None)
    if step.close:
        cancelled = step.close_as is UpdateState.CANCELLED
        updates.end(update_ids=step.close, state=step.close_as, message=CANCELLED if cancelled else STOPPED)
        return True
    if step.ended is not None:
        updates.end_rollout(rollout_id=rollout.id, state=step.ended, message=summary(rollout.updates))
        logger.info("agent updates ended", rollout_id=str(rollout.id), state=str(step.ended))
        return True
    _announce_again(rollout)
    return _take_turns(rollout, set(step.due))


def _announce_again(rollout: RolloutRecord) -> None:
    """Wake for those who have not said a word yet: a notification may have been lost."""
    for each in rollout.updates:
        if each.state is UpdateState.ORDERED and not each.told:
            updates.announce(agent_id=each.agent_id)


def _take_turns(rollout: RolloutRecord, due: set[UUID]) -> bool:
    turns = [each for each in rollout.updates if each.id in due]
    if not turns:
        return False
    now, how = updates.database_now(), updates.how_now(agent_ids=[each.agent_id for each in turns])
    build = rollout.digest[:BUILD_CHARACTERS]
    changed = False
    for each in turns:
        turn = turn_of(each, how.get(each.agent_id, AgentNow()), build=build, now=now)
        if turn.state is UpdateState.ORDERED:
            updates.order(update_id=each.id, wait=WAIT_FOR_END)
            updates.announce(agent_id=each.agent_id)
        elif turn.state is UpdateState.WAITING:
            if turn.message != each.message:
                updates.note(update_id=each.id, message=turn.message)
            continue
        else:
            updates.end(update_ids=[each.id], state=turn.state, message=turn.message)
        changed = True
    return changed


def record_told(*, agent_id: UUID, session_id: UUID, update_id: UUID, told: str, message: str) -> None:
    """Store how far an agent says it is, and go on with the rollout where that ends its part; one transaction.

    Done counts only from an agent whose present session said Hello as the new build. Ignored when another session
    speaks for the agent, and for an update that is not its own or has ended.
    """
    rollout_id = updates.rollout_of(update_id=update_id, agent_id=agent_id)
    if rollout_id is None or told not in TOLD:
        return
    with transaction.atomic():
        rollout = updates.lock_rollout(rollout_id=rollout_id)
        if rollout is None or agents.lock_session(agent_id=agent_id, session_id=session_id) is None:
            return
        shown = cut(message, MAX_MESSAGE_BYTES)
        if told == TOLD_FAILED:
            updates.end(update_ids=[update_id], state=UpdateState.FAILED, message=shown or "The agent did not say why.")
        elif told == TOLD_DONE and agents.build_of(agent_id=agent_id) == rollout.digest[:BUILD_CHARACTERS]:
            updates.end(update_ids=[update_id], state=UpdateState.SUCCEEDED, message="The new version runs.")
        else:
            updates.note(update_id=update_id, told=told, message=shown)
            return
        _advance(rollout_id)


def orders_of(*, agent_ids: Collection[UUID]) -> Mapping[UUID, UpdateOrder]:
    """Return what these agents are to be told; those with nothing are left out."""
    return updates.orders_of(agent_ids=agent_ids)


def archive_for(*, agent_id: UUID, digest: str) -> bytes | None:
    """Return the archive with this digest, for an agent that was ordered to become it; None for everything else.

    Or the packages of that version, by their name, where the control plane carries them.
    """
    artifact, packages = agent_artifact(), packages_name(digest)
    wanted = digest if packages is None else packages.digest
    if wanted != artifact.digest:
        return None
    order = updates.orders_of(agent_ids=[agent_id]).get(agent_id)
    if order is None or order.digest != wanted:
        return None
    if packages is None:
        return artifact.content
    host = HostPython(minor=packages.minor, machine=packages.machine)
    return packed_wheels(settings.AXION_AGENT_WHEELS, host=host)


def cancel(*, rollout_id: UUID) -> bool:
    """Let nothing more of the rollout begin; what was ordered goes on to its end. False where it has ended already."""
    with transaction.atomic():
        updates.lock_rollout(rollout_id=rollout_id)
        done = updates.request_cancel(rollout_id=rollout_id)
        if done:
            _advance(rollout_id)
        return done


def get_rollout(*, rollout_id: UUID) -> RolloutRecord | None:
    return updates.get_rollout(rollout_id=rollout_id)


def newest_rollouts(*, limit: int, by_id: UUID | None) -> tuple[RolloutRecord, ...]:
    return updates.newest(limit=limit, by_id=by_id)


def running_rollouts(*, limit: int) -> tuple[UUID, ...]:
    return updates.running(limit=limit)


def updates_of_server(*, server_id: UUID, limit: int) -> tuple[tuple[AgentUpdateRecord, str, str], ...]:
    """Return the newest updates of the server's agent, with the version each was to and who asked for it."""
    return updates.newest_of_server(server_id=server_id, limit=limit)
