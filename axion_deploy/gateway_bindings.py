"""What the agents' gateway asks of the deployments: `agents` never imports them, so the process binds them here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from django.contrib.auth import get_user_model
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from agents import gateway
from agents.transport.ports import Bindings
from agents.types import DeploymentState, Report
from agents.types import ServiceState as WireService
from deployments.services import access, bundles, cancel, progress, queries, variables
from deployments.states import Status
from deployments.types import Caller, ServiceState
from deployments.wire import STAGE_NUMBERS, STATUS_NUMBERS, service_status

# How a service is, in the numbers of the platform's Status.
SERVICE_NUMBERS = {Status.SUCCESS: 1, Status.FAILED: 2, Status.PENDING: 3, Status.IN_PROGRESS: 4}


def bindings() -> Bindings:
    return Bindings(
        on_report=on_report,
        secrets_of=secrets_of,
        bundle_of=bundle_of,
        user_of=user_of,
        deployment_state=deployment_state,
        cancel_deployment=cancel_deployment,
    )


def on_report(*, report: Report) -> int:
    return progress.apply_report(report=report, at=datetime.now(UTC))


def secrets_of(*, deployment_id: UUID, agent_id: UUID) -> Mapping[str, str]:
    """The gateway has checked that the agent was given a command of the deployment."""
    del agent_id
    return variables.values_for(deployment_id=deployment_id)


def bundle_of(*, digest: str, agent_id: UUID) -> bytes:
    return bundles.content_of(digest=digest, deployment_ids=gateway.open_deployments(agent_id=agent_id))


def user_of(*, token: str) -> UUID | None:
    """The active user behind an API token."""
    try:
        user, _ = TokenAuthentication().authenticate_credentials(token.encode())
    except AuthenticationFailed:
        return None
    found: UUID = access.caller_of(user).user_id
    return found


def deployment_state(*, deployment_id: UUID, user_id: UUID) -> DeploymentState:
    found = queries.get_deployment(caller=_caller(user_id), deployment_id=deployment_id)
    return DeploymentState(
        deployment_id=found.id,
        status=STATUS_NUMBERS[found.status],
        services=tuple(_service(service) for service in found.services),
        stage=STAGE_NUMBERS[found.stage],
        percent=found.progress,
        error_message=found.message,
    )


def cancel_deployment(*, deployment_id: UUID, user_id: UUID) -> None:
    cancel.cancel_deployment(caller=_caller(user_id), deployment_id=deployment_id, at=datetime.now(UTC))


def _caller(user_id: UUID) -> Caller:
    return access.caller_of(get_user_model().objects.filter(pk=user_id).first())


def _service(service: ServiceState) -> WireService:
    deployed_at = service.deployed_at
    return WireService(
        service_id=service.node_id,
        service_name=service.name,
        status=SERVICE_NUMBERS[service_status(service)],
        replicas=service.replicas,
        healthy_replicas=service.healthy_replicas,
        error_message=service.error_message,
        deployed_at=0 if deployed_at is None else int(deployed_at.timestamp() * 1000),
    )
