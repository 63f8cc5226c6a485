"""REST for deployments."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.urls import reverse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.common import Door, checked, ok
from deployments.api.once import once
from deployments.api.serializers import DeployIn, EventsQuery, ListQuery
from deployments.errors import Invalid
from deployments.services import cancel, deploy, queries
from deployments.types import DeployRequest, Target, TargetKind
from deployments.wire import STATUS_OF_NUMBER, deployment_shape, event_shape, pagination_shape, status_shape

MOST_EVENTS = 500


class Deployments(Door):
    """POST asks for a deployment and answers at once with it, pending. GET lists the newest first."""

    def post(self, request: Request) -> Response:
        body = checked(DeployIn, request.data)
        wish = DeployRequest(
            project_id=body["projectId"],
            target=target_in(body),
            env_vars=body.get("envVars", {}),
            force_redeploy=body.get("forceRedeploy", False),
            approval=body.get("approval", ""),
            request_id=self.take_request_id(body),
        )
        made = deploy.deploy_project(caller=self.caller, request=wish, deployment_id=uuid4(), at=timezone.now())
        return ok(
            {"deployment": deployment_shape(made)}, status=201, location=reverse("api-deployment", args=[made.id])
        )

    def get(self, request: Request) -> Response:
        query = checked(ListQuery, request.query_params)
        page = queries.list_deployments(
            caller=self.caller,
            project_id=query.get("projectId"),
            status=STATUS_OF_NUMBER.get(int(query.get("statusFilter", 0))),
            page=query.get("page", 1),
            limit=query.get("limit", 10),
        )
        found = [deployment_shape(item) for item in page.items]
        return ok({"data": {"deployments": found, "pagination": pagination_shape(page)}})


class Deployment(Door):
    def get(self, request: Request, deployment_id: UUID) -> Response:
        found = queries.get_deployment(caller=self.caller, deployment_id=deployment_id)
        return ok({"deployment": deployment_shape(found)})


class DeploymentStatus(Door):
    def get(self, request: Request, deployment_id: UUID) -> Response:
        found = queries.get_deployment(caller=self.caller, deployment_id=deployment_id)
        return ok({"data": status_shape(found)})


class DeploymentEvents(Door):
    """The stored events above `after`, in order: the same that sockets send."""

    def get(self, request: Request, deployment_id: UUID) -> Response:
        query = checked(EventsQuery, request.query_params)
        events = queries.events_after(
            caller=self.caller,
            deployment_id=deployment_id,
            sequence=query.get("after", 0),
            limit=min(MOST_EVENTS, query.get("limit", MOST_EVENTS)),
        )
        return ok({"events": [event_shape(event) for event in events]})


class CancelDeployment(Door):
    @once()
    def post(self, request: Request, deployment_id: UUID) -> Response:
        left = cancel.cancel_deployment(caller=self.caller, deployment_id=deployment_id, at=timezone.now())
        return ok({"deployment": deployment_shape(left)}, status=202)


def target_in(body: dict[str, Any]) -> Target:
    """Exactly one of serverId and clusterId. Raises Invalid."""
    server, cluster = body.get("serverId"), body.get("clusterId")
    if (server is None) == (cluster is None):
        raise Invalid("Name one target.", details={"serverId": "give either serverId or clusterId"})
    if server is not None:
        return Target(kind=TargetKind.SERVER, id=server)
    return Target(kind=TargetKind.CLUSTER, id=body["clusterId"])
