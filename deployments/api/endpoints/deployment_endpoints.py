"""REST for deployments."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.urls import reverse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.base_view import BaseView, success, validated
from deployments.api.cursors import cursor_pagination_shape, parse_cursor
from deployments.api.idempotency_key import idempotent
from deployments.api.schemas import examples
from deployments.api.schemas.openapi import NO_BODY, documented, enveloped, enveloped_data
from deployments.api.schemas.requests import DeployIn, EventsQuery, ListQuery
from deployments.api.schemas.responses import CursorOut, DeploymentOut, EventOut, StatusOut
from deployments.data.list_types import DeploymentFilter
from deployments.errors import Invalid
from deployments.scopes import Scope
from deployments.services.lifecycle import cancel
from deployments.services.queries import lookups
from deployments.services.requests import deploy, label_target
from deployments.states import Kind, Reason
from deployments.types import Caller, DeployRequest, Target, TargetKind
from deployments.wire import STATUS_OF_NUMBER, deployment_shape, event_shape, status_shape

MAX_EVENTS = 500
TAG = "deployments"
NEXT = serializers.IntegerField(
    min_value=0,
    help_text="Pass it as `after` to get the next page; 0 at the end. Pages are shorter where events are large.",
)
FORGOTTEN = serializers.BooleanField(
    help_text="Whether some events between `after` and the last one here are no longer kept."
)
DeploymentAnswer = enveloped("DeploymentAnswer", deployment=DeploymentOut())


class Deployments(BaseView):
    needs = Scope.DEPLOY

    @documented(
        "deployProject",
        "Request a deployment; returns at once, with the deployment still pending",
        tag=TAG,
        takes=DeployIn,
        answers={201: DeploymentAnswer},
        key=True,
        examples=[examples.DEPLOY, examples.DEPLOYED],
    )
    def post(self, request: Request) -> Response:
        body = validated(DeployIn, request.data)
        deploy_request = DeployRequest(
            project_id=body["projectId"],
            target=named_target_in(body, caller=self.caller, project_id=body["projectId"]),
            env_vars=body.get("envVars", {}),
            force_redeploy=body.get("forceRedeploy", False),
            approval=body.get("approval", ""),
            description=body.get("description", ""),
            request_id=self.take_request_id(body),
        )
        deployment = deploy.deploy_project(
            caller=self.caller, request=deploy_request, deployment_id=uuid4(), at=timezone.now()
        )
        return success(
            {"deployment": deployment_shape(deployment)},
            status=201,
            location=reverse("api-deployment", args=[deployment.id]),
        )

    @documented(
        "listDeployments",
        "List the deployments that you can see, newest first",
        tag=TAG,
        query=ListQuery,
        answers={
            200: enveloped_data("DeploymentsAnswer", deployments=DeploymentOut(many=True), pagination=CursorOut())
        },
    )
    def get(self, request: Request) -> Response:
        query = validated(ListQuery, request.query_params)
        after = query.get("after")
        page = lookups.list_deployments(
            caller=self.caller,
            project_id=query.get("projectId"),
            matching=filter_in(query),
            page=query.get("page", 1),
            limit=query.get("limit", 10),
            after=parse_cursor(after) if after else None,
            oldest_first=query.get("order") == "oldest",
        )
        deployments = [deployment_shape(deployment) for deployment in page.items]
        return success({"data": {"deployments": deployments, "pagination": cursor_pagination_shape(page)}})


class Deployment(BaseView):
    @documented("getDeployment", "Get a deployment", tag=TAG, answers={200: DeploymentAnswer})
    def get(self, request: Request, deployment_id: UUID) -> Response:
        deployment = lookups.get_deployment(caller=self.caller, deployment_id=deployment_id)
        return success({"deployment": deployment_shape(deployment)})


class DeploymentStatus(BaseView):
    @documented(
        "getDeploymentStatus",
        "Get the progress of a deployment",
        tag=TAG,
        answers={200: enveloped("StatusAnswer", data=StatusOut())},
        examples=[examples.STATUS],
    )
    def get(self, request: Request, deployment_id: UUID) -> Response:
        deployment = lookups.get_deployment(caller=self.caller, deployment_id=deployment_id)
        return success({"data": status_shape(deployment)})


class DeploymentEvents(BaseView):
    @documented(
        "getDeploymentEvents",
        "List the stored events after a sequence number, in order: the same ones that sockets send",
        tag=TAG,
        query=EventsQuery,
        answers={200: enveloped("EventsAnswer", events=EventOut(many=True), next=NEXT, forgotten=FORGOTTEN)},
    )
    def get(self, request: Request, deployment_id: UUID) -> Response:
        query = validated(EventsQuery, request.query_params)
        page = lookups.events_page(
            caller=self.caller,
            deployment_id=deployment_id,
            sequence=query.get("after", 0),
            limit=min(MAX_EVENTS, query.get("limit", MAX_EVENTS)),
        )
        return success(
            {"events": [event_shape(event) for event in page.events], "next": page.next, "forgotten": page.forgotten}
        )


class CancelDeployment(BaseView):
    needs = Scope.DEPLOY

    @documented(
        "cancelDeployment",
        "Cancel a deployment; it has stopped when its status says so",
        tag=TAG,
        takes=NO_BODY,
        answers={202: DeploymentAnswer},
        key=True,
    )
    @idempotent()
    def post(self, request: Request, deployment_id: UUID) -> Response:
        deployment = cancel.cancel_deployment(caller=self.caller, deployment_id=deployment_id, at=timezone.now())
        return success({"deployment": deployment_shape(deployment)}, status=202)


def filter_in(query: dict[str, Any]) -> DeploymentFilter:
    return DeploymentFilter(
        status=STATUS_OF_NUMBER.get(int(query.get("statusFilter", 0))),
        kind=Kind(query["kind"]) if "kind" in query else None,
        reason=Reason(query["reason"]) if "reason" in query else None,
        requested_by_id=query.get("requestedById"),
        target_id=query.get("targetId"),
        created_from=query.get("createdFrom"),
        created_until=query.get("createdUntil"),
    )


def named_target_in(body: dict[str, Any], *, caller: Caller, project_id: UUID) -> Target:
    """Return the target that a body names by id, or by a label that one server has. Raises Invalid or NotFound."""
    label = body.get("serverLabel")
    if label is None:
        return target_in(body)
    if body.get("serverId") is not None or body.get("clusterId") is not None:
        raise Invalid("Name one target.", details={"serverLabel": "give either serverLabel or an id"})
    return label_target.target_of_label(caller=caller, project_id=project_id, label=label)


def target_in(body: dict[str, Any]) -> Target:
    """Return the target that a body names. Raise Invalid unless it is exactly one of serverId and clusterId."""
    server, cluster = body.get("serverId"), body.get("clusterId")
    if (server is None) == (cluster is None):
        raise Invalid("Name one target.", details={"serverId": "give either serverId or clusterId"})
    if server is not None:
        return Target(kind=TargetKind.SERVER, id=server)
    return Target(kind=TargetKind.CLUSTER, id=body["clusterId"])
