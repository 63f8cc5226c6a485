"""The patterns that this service answers, each by one use case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from deployments.data.list_types import DeploymentFilter, DeploymentStamp
from deployments.errors import Invalid
from deployments.kafka_api import fields
from deployments.services.lifecycle import cancel
from deployments.services.queries import lookups
from deployments.services.requests import deploy, label_target, rollback
from deployments.types import Caller, DeployRequest, Target
from deployments.wire import deployment_shape, pagination_shape, status_shape

PREFIX = "deployment-service."
HEALTH = "health.check"
# Callers give one request id to all that follows from one click: a rollback is no repeat of a deployment.
ROLLBACK_ID_PREFIX = "rollback:"


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request whose caller is known."""

    caller: Caller
    body: fields.Body
    request_id: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """`answer` returns the members beside the status. What `has_effect` is not done for a request that is too old.

    `stamp` checks the caller's right as `answer` does and returns of which state the answer tells, so that it can be
    kept.
    """

    answer: Callable[[Call], Mapping[str, Any]]
    has_effect: bool = False
    stamp: Callable[[Call], DeploymentStamp] | None = None


def deploy_project(call: Call) -> Mapping[str, Any]:
    project_id = fields.required_uuid(call.body, "projectId")
    request = DeployRequest(
        project_id=project_id,
        target=_target(call, project_id=project_id),
        env_vars=fields.env_vars(call.body),
        force_redeploy=fields.flag(call.body, "forceRedeploy"),
        request_id=call.request_id,
    )
    deployment = deploy.deploy_project(caller=call.caller, request=request, deployment_id=uuid4(), at=call.at)
    return {"deployment": deployment_shape(deployment)}


def _target(call: Call, *, project_id: UUID) -> Target:
    """Return the target by its id, or the one server that has a label."""
    label = fields.text(call.body, label_target.FIELD)
    if not label:
        return fields.target(call.body)
    if call.body.get("serverId") or call.body.get("clusterId"):
        raise Invalid("Name one target.", details={label_target.FIELD: "give either serverLabel or an id"})
    return label_target.target_of_label(caller=call.caller, project_id=project_id, label=label)


def cancel_deployment(call: Call) -> Mapping[str, Any]:
    deployment_id = fields.required_uuid(call.body, "deploymentId")
    cancel.cancel_deployment(caller=call.caller, deployment_id=deployment_id, at=call.at)
    return {}


def rollback_deployment(call: Call) -> Mapping[str, Any]:
    deployment = rollback.rollback_deployment(
        caller=call.caller,
        deployment_id=fields.required_uuid(call.body, "deploymentId"),
        target_deployment_id=fields.optional_uuid(call.body, "targetDeploymentId"),
        rollback_id=uuid4(),
        request_id=ROLLBACK_ID_PREFIX + call.request_id,
        at=call.at,
    )
    return {"deployment": deployment_shape(deployment)}


def get_deployment(call: Call) -> Mapping[str, Any]:
    deployment_id = fields.required_uuid(call.body, "deploymentId")
    return {"deployment": deployment_shape(lookups.get_deployment(caller=call.caller, deployment_id=deployment_id))}


def get_deployment_status(call: Call) -> Mapping[str, Any]:
    deployment_id = fields.required_uuid(call.body, "deploymentId")
    return {"data": status_shape(lookups.get_deployment(caller=call.caller, deployment_id=deployment_id))}


def deployment_stamp(call: Call) -> DeploymentStamp:
    deployment_id = fields.required_uuid(call.body, "deploymentId")
    return lookups.deployment_stamp(caller=call.caller, deployment_id=deployment_id)


def list_deployments(call: Call) -> Mapping[str, Any]:
    pagination = fields.section(call.body, "pagination")
    page = lookups.list_deployments(
        caller=call.caller,
        project_id=fields.required_uuid(call.body, "projectId"),
        matching=DeploymentFilter(status=fields.status_filter(call.body)),
        page=fields.number(pagination, "page", default=1, path="pagination."),
        limit=fields.number(pagination, "limit", default=fields.DEFAULT_LIMIT, path="pagination."),
    )
    shapes = [deployment_shape(deployment) for deployment in page.items]
    return {"data": {"deployments": shapes, "pagination": pagination_shape(page)}}


PATTERNS: Mapping[str, Pattern] = {
    f"{PREFIX}deployProject": Pattern(answer=deploy_project, has_effect=True),
    f"{PREFIX}cancelDeployment": Pattern(answer=cancel_deployment, has_effect=True),
    f"{PREFIX}rollbackDeployment": Pattern(answer=rollback_deployment, has_effect=True),
    f"{PREFIX}getDeployment": Pattern(answer=get_deployment, stamp=deployment_stamp),
    f"{PREFIX}getDeploymentStatus": Pattern(answer=get_deployment_status, stamp=deployment_stamp),
    f"{PREFIX}listDeployments": Pattern(answer=list_deployments),
}
