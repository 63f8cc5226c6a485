"""Rollouts of agent updates, and each agent's part."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from agents.contracts.version import UPDATES_PROTOCOL
from agents.models import Agent, AgentUpdate, CommandRecord, Server, UpdateRollout
from agents.models.machines import lost_after, silent_after
from agents.reports.update_rules import (
    OPEN,
    AgentNow,
    AgentUpdateRecord,
    RolloutRecord,
    RolloutState,
    UpdateOrder,
    UpdateState,
)
from agents.states import OPEN as OPEN_COMMANDS
from agents.states import Presence, presence

# The channel that wakes the gateway processes when an agent is to be told of an update; the payload is its id.
CHANNEL = "agent_updates"


def add_rollout(
    *,
    rollout_id: UUID,
    version: str,
    digest: str,
    agents: Sequence[tuple[UUID, UUID, str, str, int]],
    by_id: UUID,
    by_name: str,
    wait: timedelta,
) -> None:
    """Store a rollout of these agents: id, server, its name, present version, wave. Inside a transaction.

    Raises IntegrityError where one of them is being updated already.
    """
    UpdateRollout.objects.create(
        id=rollout_id,
        version=version,
        digest=digest,
        requested_by_id=by_id,
        requested_by_name=by_name,
        requested_at=Now(),
    )
    AgentUpdate.objects.bulk_create(
        AgentUpdate(
            id=uuid4(),
            rollout_id=rollout_id,
            agent_id=agent_id,
            server_id=server_id,
            server_name=name,
            from_version=present,
            wave=wave,
            deadline_at=Now() + wait,
        )
        for agent_id, server_id, name, present, wave in agents
    )


def lock_rollout(*, rollout_id: UUID) -> RolloutRecord | None:
    """Return the rollout, its row locked until the caller's transaction ends; None where there is none."""
    row = UpdateRollout.objects.select_for_update().filter(id=rollout_id).first()
    return None if row is None else _rollout(row, _updates_of([row.id]).get(row.id, ()))


def get_rollout(*, rollout_id: UUID) -> RolloutRecord | None:
    row = UpdateRollout.objects.filter(id=rollout_id).first()
    return None if row is None else _rollout(row, _updates_of([row.id]).get(row.id, ()))


def newest(*, limit: int, by_id: UUID | None) -> tuple[RolloutRecord, ...]:
    """Return the newest rollouts, of one person where `by_id` is given, in two statements."""
    rows = UpdateRollout.objects.all()
    if by_id is not None:
        rows = rows.filter(requested_by_id=by_id)
    found = list(rows[:limit])
    parts = _updates_of([row.id for row in found])
    return tuple(_rollout(row, parts.get(row.id, ())) for row in found)


def running(*, limit: int) -> tuple[UUID, ...]:
    """Return the rollouts that have not ended, the oldest first."""
    rows = UpdateRollout.objects.filter(state=RolloutState.RUNNING.value).order_by("requested_at")
    return tuple(rows.values_list("id", flat=True)[:limit])


def newest_of_server(*, server_id: UUID, limit: int) -> tuple[tuple[AgentUpdateRecord, str, str], ...]:
    """Return the newest updates of the server's agent, each with the version it was to and who asked for it."""
    rows = AgentUpdate.objects.filter(server_id=server_id).select_related("rollout")
    newest_first = rows.order_by("-rollout__requested_at")[:limit]
    return tuple((_update(row), row.rollout.version, row.rollout.requested_by_name) for row in newest_first)


def database_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        now: datetime = cursor.fetchone()[0]
        return now


def how_now(*, agent_ids: Collection[UUID]) -> dict[UUID, AgentNow]:
    """Return how these agents are now; those that were revoked are left out."""
    open_commands = CommandRecord.objects.filter(agent_id=OuterRef("pk"), status__in=OPEN_COMMANDS)
    rows: Any = Agent.objects.active().filter(id__in=agent_ids).annotate(database_now=Now(), busy=Exists(open_commands))
    found = {}
    for row in rows:
        present = presence(
            now=row.database_now,
            last_seen_at=row.last_seen_at,
            revoked=False,
            silent_after=silent_after(),
            lost_after=lost_after(),
        )
        found[row.id] = AgentNow(
            online=present is Presence.ONLINE,
            lost=present in {Presence.LOST, Presence.PENDING},
            updates_itself=row.protocol >= UPDATES_PROTOCOL and bool(row.build),
            build=row.build,
            version=row.version,
            busy=row.busy,
        )
    return found


def order(*, update_id: UUID, wait: timedelta) -> None:
    """Note that the agent is to be told, and until when it has to be done."""
    AgentUpdate.objects.filter(id=update_id, state=UpdateState.WAITING.value).update(
        state=UpdateState.ORDERED.value, ordered_at=Now(), deadline_at=Now() + wait, message=""
    )


def note(*, update_id: UUID, told: str | None = None, message: str) -> None:
    """Note how far an open update is."""
    facts = {"message": message} if told is None else {"message": message, "told": told}
    AgentUpdate.objects.filter(id=update_id, state__in=[str(each) for each in OPEN]).update(**facts)


def end(*, update_ids: Collection[UUID], state: UpdateState, message: str) -> None:
    """End updates that are open."""
    rows = AgentUpdate.objects.filter(id__in=update_ids, state__in=[str(each) for each in OPEN])
    rows.update(state=state.value, message=message, ended_at=Now())


def end_rollout(*, rollout_id: UUID, state: RolloutState, message: str) -> None:
    rows = UpdateRollout.objects.filter(id=rollout_id, state=RolloutState.RUNNING.value)
    rows.update(state=state.value, message=message, ended_at=Now())


def request_cancel(*, rollout_id: UUID) -> bool:
    """Note that nothing more is to begin; False where it has ended or somebody was first."""
    rows = UpdateRollout.objects.filter(id=rollout_id, state=RolloutState.RUNNING.value)
    return rows.filter(cancel_requested_at__isnull=True).update(cancel_requested_at=Now()) == 1


def orders_of(*, agent_ids: Collection[UUID]) -> dict[UUID, UpdateOrder]:
    """Return what these agents are to be told, by agent; one statement."""
    rows = AgentUpdate.objects.filter(agent_id__in=agent_ids, state=UpdateState.ORDERED.value)
    return {
        agent_id: UpdateOrder(update_id=update_id, version=version, digest=digest)
        for agent_id, update_id, version, digest in rows.values_list(
            "agent_id", "id", "rollout__version", "rollout__digest"
        )
    }


def rollout_of(*, update_id: UUID, agent_id: UUID) -> UUID | None:
    """Return the rollout of an update that this agent was ordered and has not ended."""
    rows = AgentUpdate.objects.filter(id=update_id, agent_id=agent_id, state=UpdateState.ORDERED.value)
    return rows.values_list("rollout_id", flat=True).first()


def agents_to_update(*, owner_id: UUID | None, server_ids: Collection[UUID] | None) -> list[dict[str, Any]]:
    """Return active agents with their servers, by the server's name: an owner's, or everybody's; in one statement."""
    servers = Server.objects.filter(pk=OuterRef("server_id"))
    rows = Agent.objects.active().filter(Exists(servers))
    if owner_id is not None:
        rows = rows.filter(owner_id=owner_id)
    if server_ids is not None:
        rows = rows.filter(server_id__in=server_ids)
    named = rows.annotate(server_called=servers.values("name")[:1]).order_by("server_called", "id")
    rows_found: Any = named.values("id", "server_id", "server_called", "version", "build", "protocol")
    return list(rows_found)


def announce(*, agent_id: UUID) -> None:
    """Wake the gateway that has this agent, once the caller's transaction is stored."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(agent_id)])


def _updates_of(rollout_ids: Collection[UUID]) -> dict[UUID, tuple[AgentUpdateRecord, ...]]:
    found: dict[UUID, list[AgentUpdateRecord]] = {}
    for row in AgentUpdate.objects.filter(rollout_id__in=rollout_ids):
        found.setdefault(row.rollout_id, []).append(_update(row))
    return {rollout_id: tuple(several) for rollout_id, several in found.items()}


def _update(row: AgentUpdate) -> AgentUpdateRecord:
    return AgentUpdateRecord(
        id=row.id,
        agent_id=row.agent_id,
        server_id=row.server_id,
        server_name=row.server_name,
        wave=row.wave,
        state=UpdateState(row.state),
        told=row.told,
        message=row.message,
        from_version=row.from_version,
        ordered_at=row.ordered_at,
        deadline_at=row.deadline_at,
        ended_at=row.ended_at,
    )


def _rollout(row: UpdateRollout, updates: tuple[AgentUpdateRecord, ...]) -> RolloutRecord:
    return RolloutRecord(
        id=row.id,
        version=row.version,
        digest=row.digest,
        state=RolloutState(row.state),
        message=row.message,
        requested_by_id=row.requested_by_id,
        requested_by=row.requested_by_name,
        requested_at=row.requested_at,
        cancel_requested_at=row.cancel_requested_at,
        ended_at=row.ended_at,
        updates=updates,
    )
