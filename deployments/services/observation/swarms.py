"""Who can be heard of a cluster's tasks, and why nobody can."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from agents.contracts.version import TASKS_PROTOCOL
from agents.errors import AgentNotFound, ServerNotFound
from agents.services import clusters, directory
from agents.types import AgentData
from deployments.repositories.observation import observed_stacks

REMOVED = "Not known: the cluster is not one of ours any more."
TOO_OLD = "Not observed: the agents of the cluster's managers are too old to tell. Bring them up to date."
NOT_YET = "Not known yet: no manager of the cluster has told what runs since its agent connected."
TOO_MANY = "Not known: the Swarm runs {number} tasks more than an agent tells."


@dataclass(frozen=True, kw_only=True)
class SwarmView:
    """`agent` speaks for the cluster, or did; None for nobody. `why_unknown` is empty when what it told counts."""

    agent: AgentData | None
    why_unknown: str


def swarm_view(*, cluster_id: UUID) -> SwarmView:
    try:
        speaker = clusters.speaker_of(cluster_id=cluster_id)
        managers = clusters.manager_agents(cluster_id=cluster_id)
    except ServerNotFound:
        return SwarmView(agent=None, why_unknown=REMOVED)
    first = speaker or next(iter(managers), None)
    agent = _agent(first.agent_id) if first else None
    if speaker is None or agent is None:
        why = clusters.why_no_manager(cluster_id=cluster_id)
        return SwarmView(agent=agent, why_unknown=f"Not known: {why}" if why else NOT_YET)
    return SwarmView(agent=agent, why_unknown=_why_not_told(cluster_id, agent))


def _agent(agent_id: UUID) -> AgentData | None:
    try:
        return directory.get_agent(agent_id=agent_id)
    except AgentNotFound:
        return None


def _why_not_told(cluster_id: UUID, agent: AgentData) -> str:
    if agent.protocol < TASKS_PROTOCOL:
        return TOO_OLD
    told = observed_stacks.swarm_session(cluster_id=cluster_id)
    if told is None or agent.session_id is None or told[0] != agent.session_id:
        return NOT_YET
    return TOO_MANY.format(number=told[1]) if told[1] else ""
