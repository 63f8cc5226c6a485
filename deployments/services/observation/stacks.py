"""The state of a project's stacks as it is seen now: what ran when a deployment ended is another matter."""

from __future__ import annotations

from uuid import UUID

from agents.contracts.version import OBSERVING_PROTOCOL
from agents.services import directory
from agents.states import Presence
from agents.types import AgentData
from deployments.observed import MeantService, ObservedState, SeenStack, StackCondition, fold
from deployments.repositories import clock, deployments, observed_stacks
from deployments.repositories.observed_stacks import StackRow
from deployments.states import Kind
from deployments.types import HistoryEntry, ServiceState, TargetKind

TOO_OLD = "Not observed: the server's agent is too old to tell. Bring it up to date."
NO_AGENT = "Not known: no agent is enrolled for the server."
SILENT = "Not known: the server's agent is silent."
NOT_YET = "Not known yet: the server's agent has not told what runs since it connected."
NO_ENGINE = "Not known: Docker on the server does not answer its agent."


def seen_stacks(*, project_id: UUID, running: dict[UUID, HistoryEntry], busy: frozenset[UUID]) -> dict[UUID, SeenStack]:
    """Return the state of the project's stack on each of these servers, by server.

    `running` is what was proven last on each; on those that are `busy` a deployment is at work. Whose agent cannot be
    heard is unknown, whatever was seen before.
    """
    servers = [server_id for server_id, entry in running.items() if entry.target.kind is TargetKind.SERVER]
    agents = directory.agents_of_servers(server_ids=servers)
    sessions = observed_stacks.whole_sessions(agent_ids=[agent.id for agent in agents.values()])
    rows = observed_stacks.of_project(project_id=project_id)
    # After a stop nothing is meant to run.
    meant = deployments.services_of(
        deployment_ids=[
            running[server_id].deployment_id for server_id in servers if running[server_id].kind != Kind.STOP
        ]
    )
    now_ms = int(clock.now().timestamp() * 1000)
    return {
        server_id: _seen(
            meant=meant.get(running[server_id].deployment_id, ()),
            agent=agents.get(server_id),
            sessions=sessions,
            row=rows.get(server_id),
            busy=server_id in busy,
            now_ms=now_ms,
        )
        for server_id in servers
    }


def _seen(
    *,
    meant: tuple[ServiceState, ...],
    agent: AgentData | None,
    sessions: dict[UUID, UUID],
    row: StackRow | None,
    busy: bool,
    now_ms: int,
) -> SeenStack:
    seen_at = agent.last_seen_at if agent else None
    if why := _why_unknown(agent, sessions):
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
