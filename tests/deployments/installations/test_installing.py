"""Agents installed by SSH on a real server: OpenSSH, sudo, an engine of its own; bare to its first heartbeat."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from agents.models import Agent, Server
from deployments.data.installation_types import (
    InstallationAction,
    InstallationRecord,
    InstallationRequest,
    InstallationState,
    SshAddress,
    SshLogin,
    Step,
    StepState,
)
from deployments.models import User
from deployments.repositories.installations import installation_rows
from deployments.services.installations import installation_requests, installing
from deployments.services.permissions.access import caller_of
from tests.deployments.installations.conftest import Place
from tests.servers.ssh_server import DEPLOY_PASSWORD

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("carries_wheels")]


def ask(
    place: Place,
    owner: User,
    server: Server,
    *,
    action: InstallationAction = InstallationAction.INSTALL,
    **changes: Any,
) -> InstallationRecord:
    wanted: dict[str, Any] = {
        "action": action,
        "address": SshAddress(host=place.server.address, port=22, username="deploy"),
        "login": SshLogin(password=DEPLOY_PASSWORD),
        "host_key": place.server.fingerprint,
        "gateway_url": place.gateway_url,
        **changes,
    }
    return installation_requests.request_installation(
        caller=caller_of(owner), server_id=server.id, request=InstallationRequest(**wanted), installation_id=uuid4()
    )


def carried_out(installation_id: UUID) -> InstallationRecord:
    installing.run_installation(installation_id=installation_id)
    return installation_rows.get(installation_id=installation_id)


def steps_of(record: InstallationRecord) -> dict[Step, tuple[StepState, str]]:
    return {each.step: (each.state, each.message) for each in record.steps}


def test_bare_to_connected_and_away_again(place: Place, owner: User, server: Server) -> None:
    made = carried_out(ask(place, owner, server).id)
    assert made.state is InstallationState.SUCCEEDED, steps_of(made)
    agent = Agent.objects.active().get(server_id=server.id)
    assert agent.last_seen_at is not None
