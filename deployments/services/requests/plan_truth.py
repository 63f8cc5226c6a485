"""What makes a plan true beyond the comparison of two stacks: whether anybody can carry it out, and what runs now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from agents.errors import AgentNotFound, ServerNotFound
from agents.services import directory
from agents.states import Presence
from agents.wording.sentences import sentence
from deployments.errors import Conflict
from deployments.repositories import lanes
from deployments.rules.conditions import ServiceCondition, StackCondition
from deployments.services.observation import stacks
from deployments.types import Target, TargetKind
from stackgen.plan import Change

NO_AGENT = "No agent is installed on {server}, so nothing can be deployed there. Install one from the server's page."
AWAY = "The agent of {server} is not connected, last seen {seen}. The deployment waits for it to come back."
NEVER_SEEN = "The agent of {server} has not connected yet. The deployment waits for it."
# What the agent starts again though nothing of it was changed.
DOWN = {
    ServiceCondition.GONE: "its container is gone",
    ServiceCondition.EXITED: "it has exited",
    ServiceCondition.RESTARTING: "it keeps restarting",
    ServiceCondition.UNHEALTHY: "it is unhealthy",
    ServiceCondition.STOPPED: "it was stopped on the server",
    ServiceCondition.PAUSED: "it is paused on the server",
}


def agent_warnings(target: Target) -> tuple[str, ...]:
    """Return a sentence where the server's agent is away. Raise Conflict where there is none: nothing could be done."""
    if target.kind is not TargetKind.SERVER:
        return ()
    try:
        server = directory.get_server(server_id=target.id).name
        agent = directory.agent_for_server(server_id=target.id)
    except ServerNotFound:
        # Whoever asks for rights on it says so in its own words.
        return ()
    except AgentNotFound as error:
        raise Conflict(NO_AGENT.format(server=server), details={"serverId": sentence("no agent")}) from error
    if agent.presence is Presence.ONLINE:
        return ()
    if agent.last_seen_at is None:
        return (NEVER_SEEN.format(server=server),)
    return (AWAY.format(server=server, seen=f"{agent.last_seen_at:%Y-%m-%d %H:%M:%S} UTC"),)


def with_present_state(
    changes: Sequence[Change], *, project_id: UUID, target: Target
) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """Return the changes with what is down now started again, and a sentence where nobody knows what runs.

    A comparison of two stacks calls that kept which was deployed the same; the agent looks at what is there.
    """
    seen = stacks.seen_stacks(project_id=project_id).get(target.id)
    busy = lanes.holder(project_id=project_id, target_id=target.id) is not None
    if seen is None or busy:
        return tuple(changes), ()
    if seen.state.condition is StackCondition.UNKNOWN:
        return tuple(changes), (f"{seen.state.message} The plan compares with what was deployed last.",)
    down = {each.node_id: DOWN[each.condition] for each in seen.state.services if each.condition in DOWN}
    return tuple(_started_again(change, down.get(change.node_id, "")) for change in changes), ()


def _started_again(change: Change, why: str) -> Change:
    if change.action != "keep" or not why:
        return change
    return replace(change, action="restart", reasons=(*change.reasons, why))
