"""REST for the right to deploy to a server, from both sides: a project's servers, and a server's projects."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.base_view import BaseView, success, validated
from deployments.api.schemas.openapi import NO_BODY, documented, enveloped_data
from deployments.api.schemas.requests import MetadataOnlyIn
from deployments.api.schemas.responses import StoppedOut, TargetOut, TenantOut
from deployments.data.sharing_types import Grant, GrantState
from deployments.event_types import epoch_ms
from deployments.scopes import Scope
from deployments.services.queries import grant_view
from deployments.services.queries.grant_view import ProjectTarget, Tenant
from deployments.services.requests import stop
from deployments.services.sharing import server_grants
from deployments.states import Status
from deployments.wire import STATUS_NUMBERS

TAG = "grants"


class ProjectTargets(BaseView):
    @documented(
        "listTargets",
        "List the servers that the project may use or was offered, and your own",
        tag=TAG,
        answers={200: enveloped_data("TargetsAnswer", targets=TargetOut(many=True))},
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        targets = grant_view.targets_of(caller=self.caller, project_id=project_id)
        return success({"data": {"targets": [target_shape(target) for target in targets]}})


class ProjectTargetDetail(BaseView):
    @documented(
        "allowTarget",
        "Allow the project to use a server: the server's owner offers it, the project's owner allows it",
        tag=TAG,
        takes=NO_BODY,
        answers={200: enveloped_data("TargetAnswer", target=TargetOut())},
    )
    def put(self, request: Request, project_id: UUID, server_id: UUID) -> Response:
        server_grants.allow(caller=self.caller, project_id=project_id, server_id=server_id, at=timezone.now())
        targets = grant_view.targets_of(caller=self.caller, project_id=project_id)
        allowed = next(target for target in targets if target.server.id == server_id)
        return success({"data": {"target": target_shape(allowed)}})

    @documented(
        "withdrawTarget",
        "End the project's use of a server; queued deployments fail, running containers keep running",
        tag=TAG,
        answers={204: None},
    )
    def delete(self, request: Request, project_id: UUID, server_id: UUID) -> Response:
        server_grants.withdraw(caller=self.caller, project_id=project_id, server_id=server_id, at=timezone.now())
        return Response(status=204)


class ServerProjects(BaseView):
    @documented(
        "listServerProjects",
        "List the projects on your server: owner, since when, and how the last deployment went",
        tag=TAG,
        answers={200: enveloped_data("TenantsAnswer", projects=TenantOut(many=True))},
    )
    def get(self, request: Request, server_id: UUID) -> Response:
        tenants = grant_view.tenants_of(caller=self.caller, server_id=server_id)
        return success({"data": {"projects": [tenant_shape(tenant) for tenant in tenants]}})


class ServerProject(BaseView):
    @documented(
        "forbidProject",
        "Forbid a project to deploy on your server; what is running keeps running until it is stopped",
        tag=TAG,
        answers={204: None},
    )
    def delete(self, request: Request, server_id: UUID, project_id: UUID) -> Response:
        server_grants.forbid(caller=self.caller, server_id=server_id, project_id=project_id, at=timezone.now())
        return Response(status=204)


class StopOnServer(BaseView):
    needs = Scope.DEPLOY

    @documented(
        "stopOnServer",
        "Stop a project on your server; its volumes are kept",
        tag=TAG,
        takes=MetadataOnlyIn,
        answers={201: enveloped_data("StoppedAnswer", stop=StoppedOut())},
        key=True,
    )
    def post(self, request: Request, server_id: UUID, project_id: UUID) -> Response:
        body = validated(MetadataOnlyIn, request.data)
        deployment = stop.stop_on_server(
            caller=self.caller,
            server_id=server_id,
            project_id=project_id,
            deployment_id=uuid4(),
            request_id=self.take_request_id(body),
            at=timezone.now(),
        )
        shape = {"deploymentId": str(deployment.id), "status": STATUS_NUMBERS[deployment.status]}
        return success({"data": {"stop": shape}}, status=201)


def target_shape(target: ProjectTarget) -> dict[str, Any]:
    return {
        "serverId": str(target.server.id),
        "name": target.server.name,
        "owner": target.owner,
        "presence": str(target.server.presence),
        "usable": target.usable,
        **grant_shape(target.grant, target.state),
    }


def tenant_shape(tenant: Tenant) -> dict[str, Any]:
    latest = tenant.latest
    return {
        "projectId": str(tenant.project_id),
        "projectName": tenant.project_name,
        "owner": tenant.owner,
        "stackName": tenant.stack_name,
        "deployedSince": epoch_ms(tenant.since),
        "latest": None
        if latest is None
        else {
            "deploymentId": str(latest.id),
            "kind": latest.kind,
            "status": STATUS_NUMBERS[Status(latest.status)],
            "createdAt": epoch_ms(latest.created_at),
        },
        **grant_shape(tenant.grant, tenant.state),
    }


def grant_shape(grant: Grant | None, state: GrantState) -> dict[str, Any]:
    """Return who gave which half, and who ended it."""
    project_half, server_half = (grant.project_half, grant.server_half) if grant else (None, None)
    return {
        "state": str(state),
        "allowedBy": project_half.by if project_half else "",
        "allowedAt": epoch_ms(project_half.at if project_half else None),
        "offeredBy": server_half.by if server_half else "",
        "offeredAt": epoch_ms(server_half.at if server_half else None),
        "endedBy": grant.ended_by if grant else "",
        "endedAt": epoch_ms(grant.ended_at if grant else None),
        "endedBecause": grant.ended_because if grant else "",
    }
