"""REST for containers of a server that are not ours: look at them, and make a project of them."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.adoption.adoption_schemas import AdoptIn, AdoptionPlanOut, ContainerGroupOut, InspectionOut
from deployments.api.base_view import BaseView, success, validated
from deployments.api.endpoints.compose_endpoints import line_shape
from deployments.api.idempotency_key import idempotent
from deployments.api.schemas.openapi import documented, enveloped_data
from deployments.data.adoption_types import AdoptionRecord, ContainerGroup
from deployments.errors import Invalid
from deployments.event_types import epoch_ms
from deployments.services.adoption import adopt, inspections
from deployments.services.adoption.adopt import AdoptionPlan

TAG = "adoption"
SeenAnswer = enveloped_data(
    "ContainersAnswer", inspection=InspectionOut(allow_null=True), groups=ContainerGroupOut(many=True)
)
PlanAnswer = enveloped_data("AdoptionAnswer", adoption=AdoptionPlanOut())


class ServerContainers(BaseView):
    @documented(
        "listServerContainers",
        "Return the last look at your server's containers that Axion Deploy did not start",
        tag=TAG,
        answers={200: SeenAnswer},
    )
    def get(self, request: Request, server_id: UUID) -> Response:
        last, groups = inspections.last_inspection(caller=self.caller, server_id=server_id)
        return success(
            {"data": {"inspection": inspection_shape(last), "groups": [group_shape(each) for each in groups]}}
        )

    @documented(
        "inspectServerContainers",
        "Have the agent of your server describe its containers; their values are kept encrypted for a day",
        tag=TAG,
        answers={202: enveloped_data("InspectionAnswer", inspection=InspectionOut())},
        key=True,
    )
    @idempotent()
    def post(self, request: Request, server_id: UUID) -> Response:
        asked = inspections.inspect_server(caller=self.caller, server_id=server_id, adoption_id=uuid4())
        return success({"data": {"inspection": inspection_shape(asked)}}, status=202)


class AdoptContainers(BaseView):
    @documented(
        "adoptContainers",
        "Make a project of running containers, or preview it; its first deployment there takes them over",
        tag=TAG,
        takes=AdoptIn,
        answers={200: PlanAnswer, 201: PlanAnswer},
        key=True,
    )
    @idempotent()
    def post(self, request: Request, server_id: UUID) -> Response:
        body = validated(AdoptIn, request.data)
        named: dict[str, Any] = {
            "caller": self.caller,
            "server_id": server_id,
            "adoption_id": body["inspectionId"],
            "keys": body["groups"],
        }
        if body.get("preview"):
            return success({"data": {"adoption": plan_shape(adopt.plan_adoption(**named))}})
        if not body.get("name"):
            raise Invalid("Name the new project.", details={"name": "required"})
        project, plan = adopt.adopt_containers(**named, name=body["name"], project_id=uuid4())
        return success({"data": {"adoption": plan_shape(plan, project_id=project.id)}}, status=201)


def inspection_shape(inspection: AdoptionRecord | None) -> dict[str, Any] | None:
    if inspection is None:
        return None
    return {
        "id": str(inspection.id),
        "state": str(inspection.state),
        "message": inspection.message,
        "requestedBy": inspection.requested_by,
        "requestedAt": epoch_ms(inspection.requested_at),
        "toldAt": epoch_ms(inspection.told_at),
        "projectId": str(inspection.project_id) if inspection.project_id else None,
    }


def group_shape(group: ContainerGroup) -> dict[str, Any]:
    containers = [{"name": each.name, "image": each.image, "volumes": list(each.volumes)} for each in group.containers]
    return {
        "key": group.key,
        "name": group.name,
        "isProject": group.is_project,
        "containers": containers,
        "whyNot": group.why_not,
    }


def plan_shape(plan: AdoptionPlan, *, project_id: UUID | None = None) -> dict[str, Any]:
    return {
        "projectId": str(project_id) if project_id else None,
        "nodes": list(plan.nodes),
        "containers": list(plan.containers),
        "volumes": list(plan.volumes),
        "lines": [line_shape(line) for line in plan.result.lines],
    }
