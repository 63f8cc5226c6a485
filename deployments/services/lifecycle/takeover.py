"""In a cluster any manager will do: when the agent at work is lost, another manager's goes on with its commands."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from agents import gateway
from agents.isolation import isolation
from deployments.errors import Invalid, Transient
from deployments.event_types import EventType, NewEvent
from deployments.repositories import deployments, events
from deployments.repositories.upkeep import overdue
from deployments.services.lifecycle import engines
from deployments.services.lifecycle.builds import building
from deployments.services.permissions import target_agents

BATCH = 100
TAKEOVERS = "commands of clusters whose agent is lost"
logger = structlog.get_logger(__name__)


def hand_on_lost(*, at: datetime) -> int:
    """Give the open commands of agents that are lost to other managers of their clusters; return how many moved.

    Where no other manager can be asked now, all stays as it is: the next round looks again.
    """
    silence = timedelta(seconds=settings.AXION_CLUSTER_TAKEOVER_AFTER)
    moved = 0
    for deployment_id in overdue.on_clusters_unheard_for(silence=silence, limit=BATCH):
        with isolation(TAKEOVERS).item(deployment_id):
            moved += _hand_on(deployment_id, at=at)
    return moved


def _hand_on(deployment_id: UUID, *, at: datetime) -> int:
    with transaction.atomic():
        # Whoever ends it, or orders the way back, waits for this and sees the command where it is then.
        deployment = deployments.get_locked(deployment_id=deployment_id)
        commands = gateway.open_commands(deployment_id=deployment_id)
        if not commands or building.underway(deployment) is not None:
            # What a builder builds nobody takes over: it comes back, or the deployment is given up.
            return 0
        try:
            manager = target_agents.manager_of(deployment.target, but=commands[-1].agent_id)
            engines.refuse_unknown_moves(deployment=deployment, agent_id=manager.agent_id)
        except (Transient, Invalid):
            return 0
        moved = sum(gateway.move(command_id=each.id, agent_id=manager.agent_id) for each in commands)
        if moved and deployment.holds_lane:
            sent = NewEvent(type=EventType.COMMAND_SENT, payload={"agentId": str(manager.agent_id)})
            events.append(deployment_id=deployment_id, events=[sent], at=at)
    logger.warning("handed on to another manager", deployment_id=str(deployment_id), agent_id=str(manager.agent_id))
    return moved
