"""Tokens with which servers join: from a manager's agent to the one that joins, sealed for as long as that takes."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from agents.errors import AgentNotFound
from agents.services import directory
from deployments.data.cluster_types import ChangeRecord, ChangeState, Step
from deployments.errors import NotFound
from deployments.repositories.clusters import cluster_changes
from deployments.services.lifecycle import command_ids
from deployments.services.secrets import sealing

VARIABLE = "JOIN_TOKEN"
NOBODY_ASKED = "This was not requested."


def take_token(*, command_id: UUID, change_id: UUID, token: str) -> None:
    """Seal a token for the change whose command asked for it. Opens its own transaction.

    Raises NotFound for any other command. The caller has checked that the command is the agent's.
    """
    change = cluster_changes.find(change_id=change_id)
    if change is None:
        raise NotFound(NOBODY_ASKED)
    with transaction.atomic():
        cluster_changes.lock(cluster_id=change.cluster_id)
        change = _at_work(change_id, Step.TOKEN)
        if command_ids.swarm_command_id(change.id, step=change.step) != command_id:
            raise NotFound(NOBODY_ASKED)
        cluster_changes.note(
            change_id=change.id, sealed_token=sealing.seal_join_token(token=token, change_id=change.id)
        )


def values_for_agent(*, agent_id: UUID, change_id: UUID) -> dict[str, str]:
    """Return the token, to the agent of the server that joins and while it does. Secret. Raises NotFound."""
    change = _at_work(change_id, Step.JOIN)
    try:
        agent = directory.get_agent(agent_id=agent_id)
    except AgentNotFound:
        raise NotFound(NOBODY_ASKED) from None
    sealed = cluster_changes.sealed_token(change_id=change_id)
    if agent.server_id != change.server_id or not sealed:
        raise NotFound(NOBODY_ASKED)
    return {VARIABLE: sealing.unseal_join_token(sealed=sealed, change_id=change_id)}


def _at_work(change_id: UUID, step: Step) -> ChangeRecord:
    change = cluster_changes.find(change_id=change_id)
    if change is None or change.state is not ChangeState.WORKING or change.current is not step:
        raise NotFound(NOBODY_ASKED)
    return change
