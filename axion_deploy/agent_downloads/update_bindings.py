"""What the gateway asks about updates of agents, as the user who asks it."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.contrib.auth import get_user_model

from agents.reports.update_rules import UpdateCheck
from deployments.services.fleet import agent_updates
from deployments.services.permissions import access
from deployments.types import Caller


def check_update(*, agent_id: UUID, user_id: UUID) -> UpdateCheck:
    return agent_updates.check_update(caller=_caller(user_id), agent_id=agent_id)


def update_agent(*, agent_id: UUID, user_id: UUID) -> UUID:
    return agent_updates.update_agent(caller=_caller(user_id), agent_id=agent_id, rollout_id=uuid4()).id


def _caller(user_id: UUID) -> Caller:
    return access.caller_of(get_user_model().objects.filter(pk=user_id).first())
