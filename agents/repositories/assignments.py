"""Which agent works on which deployment, as the ledger tells it. Reads only."""

from uuid import UUID

from agents.models import Agent, CommandRecord
from agents.states import OPEN, CommandStatus


def holds(*, agent_id: UUID, deployment_id: UUID) -> bool:
    """Whether the agent's server was ever given a command of the deployment, by whichever agent it had then."""
    given = CommandRecord.objects.filter(
        deployment_id=deployment_id, agent__server_id__in=Agent.objects.active().filter(id=agent_id).values("server_id")
    )
    same_owner = given.filter(agent__owner__in=Agent.objects.filter(id=agent_id).values("owner"))
    return same_owner.exclude(status__in=[CommandStatus.QUEUED, CommandStatus.WITHDRAWN]).exists()


def belongs(*, command_id: UUID, agent_id: UUID, deployment_id: UUID) -> bool:
    """Whether a report with these ids can be true."""
    return CommandRecord.objects.filter(id=command_id, agent_id=agent_id, deployment_id=deployment_id).exists()


def open_deployments(*, agent_id: UUID) -> tuple[UUID, ...]:
    rows = CommandRecord.objects.filter(agent_id=agent_id, status__in=OPEN)
    return tuple(rows.order_by().values_list("deployment_id", flat=True).distinct())
