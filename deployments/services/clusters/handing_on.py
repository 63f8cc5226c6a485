"""In changes of a cluster, too, any manager will do: when the agent at a step is lost, another manager's goes on."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from agents import gateway
from agents.isolation import isolation
from agents.services import clusters
from deployments.data.cluster_types import OWN_STEPS, ChangeRecord, ChangeState, Step
from deployments.repositories.clusters import cluster_changes
from deployments.services.clusters import progress

BATCH = 100
TAKEOVERS = "changes of clusters whose agent is lost"
logger = structlog.get_logger(__name__)


def hand_on_lost() -> int:
    """Give the steps of agents that are lost to other managers of their clusters; return how many moved.

    A step that a server's own agent has to do (make the Swarm, join, leave) waits for that one. Where no other manager
    can be asked now, all stays as it is: the next round looks again, and the step's deadline ends it.
    """
    silence = timedelta(seconds=settings.AXION_CLUSTER_TAKEOVER_AFTER)
    unheard = gateway.deployments_unheard_for(silence=silence)
    moved = 0
    for change_id in cluster_changes.at_work_among(change_ids=unheard, limit=BATCH):
        with isolation(TAKEOVERS).item(change_id):
            moved += _hand_on(change_id)
    return moved


def _hand_on(change_id: UUID) -> int:
    known = cluster_changes.find(change_id=change_id)
    if known is None:
        return 0
    with transaction.atomic():
        cluster_changes.lock(cluster_id=known.cluster_id)
        change = cluster_changes.find(change_id=change_id)
        if change is None or not _may_move(change):
            return 0
        commands = gateway.open_commands(deployment_id=change_id)
        manager = progress.manager_for(change, but=commands[-1].agent_id) if commands else None
        if manager is None:
            return 0
        former = _name_of(commands[-1].agent_id, change)
        moved = sum(gateway.move(command_id=each.id, agent_id=manager.agent_id) for each in commands)
        seconds = settings.AXION_CLUSTER_TAKEOVER_AFTER
        message = (
            f"The agent of {former} was not heard for {seconds:g} s, so the agent of {manager.server_name} took over."
        )
        cluster_changes.note(change_id=change_id, message=message)
    logger.warning("handed on to another manager", change_id=str(change_id), agent_id=str(manager.agent_id))
    return moved


def _may_move(change: ChangeRecord) -> bool:
    """Tell whether any manager can do the step as well, and again: what is so already stays."""
    at_work = change.state is ChangeState.WORKING and change.sent
    return at_work and change.current not in OWN_STEPS and change.current is not Step.CONFIRM


def _name_of(agent_id: UUID, change: ChangeRecord) -> str:
    """Return the agent's server by its name; that of an agent that is none of the cluster's any more is not known."""
    managers = clusters.manager_agents(cluster_id=change.cluster_id)
    return next((each.server_name for each in managers if each.agent_id == agent_id), "a former manager")
