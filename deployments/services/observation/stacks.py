"""The state of a project's stacks as it is seen now: what ran when a deployment ended is another matter."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from agents.contracts.version import OBSERVING_PROTOCOL
from agents.services import clusters, directory
from agents.states import Presence
from agents.types import AgentData
from deployments.repositories import clock
from deployments.repositories.observation import observed_stacks, proven_stacks
from deployments.repositories.observation.observed_stacks import StackRow
from deployments.repositories.observation.proven_stacks import ProvenStack
from deployments.repositories.reads import light_rows
from deployments.rules.conditions import StackCondition
from deployments.rules.observed import (
    MeantService,
    ObservedContainer,
    ObservedState,
    SeenStack,
    fold,
)
from deployments.services.observation.swarms import swarm_view
from deployments.types import ServiceState

TOO_OLD = "Not observed: the server's agent is too old to tell. Bring it up to date."
NO_AGENT = "Not known: no agent is enrolled for the server."
SILENT = "Not known: the server's agent is silent."
NOT_YET = "Not known yet: the server's agent has not told what runs since it connected."
NO_ENGINE = "Not known: Docker on the server does not answer its agent."


@dataclass(frozen=True, kw_only=True)
class Look:
    """A stack, what was proven there last, and how it is now, with what that was read from.

    `number` is that of the observation; 0 where its agent never told of the stack. `busy`: a deployment was at work.
    """

    stack: ProvenStack
    seen: SeenStack
    agent: AgentData | None
    containers: tuple[ObservedContainer, ...]
    number: int
    busy: bool = False


def seen_stacks(*, project_id: UUID) -> dict[UUID, SeenStack]:
    """Return the state of each stack of the project, by server or cluster. Whose agent cannot be heard is unknown."""
    return {look.stack.server_id: look.seen for look in look_at(project_ids=[project_id])}


def look_at(*, project_ids: Collection[UUID]) -> tuple[Look, ...]:
    """Return the state of each stack of these projects, in a few queries for all of them.

    A stack is where something was ever proven. Whose agent cannot be heard is unknown, whatever was seen before.
    """
    stacks = proven_stacks.of_projects(project_ids=project_ids) if project_ids else ()
    if not stacks:
        return ()
    agents = directory.agents_of_servers(server_ids={stack.server_id for stack in stacks if not stack.on_cluster})
    swarms = {each: swarm_view(cluster_id=each) for each in {stack.server_id for stack in stacks if stack.on_cluster}}
    sessions = observed_stacks.whole_sessions(agent_ids=[agent.id for agent in agents.values()])
    rows = observed_stacks.of_projects(project_ids=project_ids)
    # After a stop nothing is meant to run.
    meant = light_rows.services_of(deployment_ids=[stack.deployment_id for stack in stacks if not stack.stopped])
    busy = proven_stacks.busy(project_ids=project_ids)
    now_ms = int(clock.now().timestamp() * 1000)

    def look(stack: ProvenStack) -> Look:
        key = (stack.project_id, stack.server_id)
        swarm = swarms.get(stack.server_id)
        agent, row = swarm.agent if swarm else agents.get(stack.server_id), rows.get(key)
        seen = _seen(
            meant=meant.get(stack.deployment_id, ()),
            agent=agent,
            why=swarm.why_unknown if swarm else _why_unknown(agent, sessions),
            row=row,
            busy=key in busy,
            now_ms=now_ms,
        )
        containers, number = (row.containers, row.number) if row else ((), 0)
        return Look(stack=stack, seen=seen, agent=agent, containers=containers, number=number, busy=key in busy)

    return tuple(look(stack) for stack in stacks)


def look_at_unproven(*, project_ids: Collection[UUID]) -> tuple[Look, ...]:
    """Return the places where something of these projects was tried and never succeeded: nothing is meant to run.

    Their agents are left out: who cannot be heard is no matter of a stack that is not there.
    """
    found = proven_stacks.unproven(project_ids=project_ids) if project_ids else ()
    busy = proven_stacks.busy(project_ids=project_ids) if found else frozenset()

    def look(stack: ProvenStack) -> Look:
        at_work = (stack.project_id, stack.server_id) in busy
        condition = StackCondition.DEPLOYING if at_work else StackCondition.NOTHING
        state = ObservedState(condition=condition, since_ms=0, message="")
        seen = SeenStack(state=state, seen_at=None)
        return Look(stack=stack, seen=seen, agent=None, containers=(), number=0, busy=at_work)

    return tuple(look(stack) for stack in found)


def _seen(
    *,
    meant: tuple[ServiceState, ...],
    agent: AgentData | None,
    why: str,
    row: StackRow | None,
    busy: bool,
    now_ms: int,
) -> SeenStack:
    seen_at = agent.last_seen_at if agent else None
    if why:
        since = int(seen_at.timestamp() * 1000) if seen_at else 0
        return SeenStack(
            state=ObservedState(condition=StackCondition.UNKNOWN, since_ms=since, message=why), seen_at=seen_at
        )
    state = fold(
        meant=[MeantService(name=each.name, node_id=each.node_id, copies=each.replicas) for each in meant],
        containers=row.containers if row else (),
        changed=row.changed if row else {},
        now_ms=now_ms,
    )
    if busy:
        state = ObservedState(
            condition=StackCondition.DEPLOYING, since_ms=state.since_ms, message="", services=state.services
        )
    return SeenStack(state=state, seen_at=seen_at)


def why_unknown(*, server_id: UUID) -> str:
    """Return why nobody can know how the stacks of a server, or cluster, are now; empty when it is known."""
    if clusters.names(cluster_ids=[server_id]):
        return swarm_view(cluster_id=server_id).why_unknown
    agent = directory.agents_of_servers(server_ids=[server_id]).get(server_id)
    sessions = observed_stacks.whole_sessions(agent_ids=[agent.id]) if agent else {}
    return _why_unknown(agent, sessions)


def _why_unknown(agent: AgentData | None, sessions: dict[UUID, UUID]) -> str:
    """Why nobody can know how the stack is now; empty when it is known."""
    if agent is None:
        return NO_AGENT
    if agent.presence is not Presence.ONLINE:
        return SILENT
    if agent.protocol < OBSERVING_PROTOCOL:
        return TOO_OLD
    if agent.condition is not None and not agent.condition.engine_answers:
        return NO_ENGINE
    if agent.session_id is None or sessions.get(agent.id) != agent.session_id:
        return NOT_YET
    return ""
