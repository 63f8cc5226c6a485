"""Which agent works on which deployment, as the ledger tells it. Reads only."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q

from agents.models import Agent, Cluster, CommandRecord
from agents.repositories.commands import as_data, same_place
from agents.states import OPEN, CommandKind, CommandStatus
from agents.swarm import SwarmRole
from agents.types import CommandData

# Of one lane; only lanes of clusters are looked through, and these end.
MAX_COMMANDS = 500


def holds(*, agent_id: UUID, deployment_id: UUID) -> bool:
    """Tell whether the agent's server was ever given a command of the deployment, by whichever agent it had then.

    What one manager of a cluster was given for it, all are.
    """
    given = CommandRecord.objects.filter(_done_there(agent_id=agent_id), deployment_id=deployment_id)
    same_owner = given.filter(agent__owner__in=Agent.objects.filter(id=agent_id).values("owner"))
    return same_owner.exclude(status__in=[CommandStatus.QUEUED, CommandStatus.WITHDRAWN]).exists()


def only_builds(*, agent_id: UUID, deployment_id: UUID) -> bool:
    """Tell whether builds are all that was ordered of the deployment there; see gateway.only_builds."""
    given = CommandRecord.objects.filter(_done_there(agent_id=agent_id), deployment_id=deployment_id)
    kinds = set(given.order_by().values_list("kind", flat=True))
    return CommandKind.BUILD in kinds and CommandKind.DEPLOY not in kinds


def lane_deployments(*, agent_id: UUID, lane: str) -> tuple[tuple[UUID, ...], UUID | None]:
    """Return the deployments with an unfinished command for the agent's server in the lane, and the last one before.

    In the lane of a cluster, for any of its managers' servers.
    """
    orders = CommandRecord.objects.filter(_done_there(agent_id=agent_id), lane=lane)
    unfinished = tuple(orders.filter(status__in=OPEN).order_by().values_list("deployment_id", flat=True).distinct())
    closed = orders.filter(kind=CommandKind.DEPLOY, status=CommandStatus.FINISHED).exclude(deployment_id__in=unfinished)
    return unfinished, closed.order_by("-number").values_list("deployment_id", flat=True).first()


def open_commands(*, deployment_id: UUID) -> tuple[CommandData, ...]:
    rows = CommandRecord.objects.filter(deployment_id=deployment_id, status__in=OPEN).order_by("number")
    return tuple(as_data(row) for row in rows)


def _done_there(*, agent_id: UUID) -> Q:
    """Return what selects commands of the agent's server, and those of its cluster where it speaks for a manager."""
    me = Agent.objects.active().filter(id=agent_id).values("server_id", "owner_id", "swarm").first()
    if me is None:
        return Q(pk__in=[])
    mine = Q(agent__server_id=me["server_id"])
    facts = me["swarm"] or {}
    if facts.get("role") != SwarmRole.MANAGER or not facts.get("swarm_id"):
        return mine
    cluster = Cluster.objects.filter(
        servers__id=me["server_id"], swarm_id=facts["swarm_id"], owner_id=me["owner_id"]
    ).first()
    return mine if cluster is None else mine | Q(lane__endswith=f"@{cluster.id}")


def agents_running(*, lane: str) -> tuple[UUID, ...]:
    """Return the active agents of the servers whose last order of the lane was to run something, the latest first."""
    orders = CommandRecord.objects.filter(lane=lane, kind=CommandKind.DEPLOY)
    given = orders.exclude(status__in=[CommandStatus.REFUSED, CommandStatus.WITHDRAWN]).order_by("-number")
    last: dict[UUID, bool] = {}
    # A stop is a stack without services.
    for server_id, service in given.values_list("agent__server_id", "payload__services__0__name")[:MAX_COMMANDS]:
        last.setdefault(server_id, service is not None)
    running = [server_id for server_id, runs in last.items() if runs]
    active = dict(Agent.objects.active().filter(server_id__in=running).values_list("server_id", "id"))
    return tuple(active[server_id] for server_id in running if server_id in active)


def belongs(*, command_id: UUID, agent_id: UUID, deployment_id: UUID) -> bool:
    """Tell whether a report with these ids can be true."""
    place = same_place(agent_id=agent_id)
    return CommandRecord.objects.filter(id=command_id, agent__in=place, deployment_id=deployment_id).exists()


def open_deployments(*, agent_id: UUID) -> tuple[UUID, ...]:
    rows = CommandRecord.objects.filter(agent_id=agent_id, status__in=OPEN)
    return tuple(rows.order_by().values_list("deployment_id", flat=True).distinct())
