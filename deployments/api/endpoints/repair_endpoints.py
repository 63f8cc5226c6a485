"""REST for what somebody changed on a server: look at the repair, repair it, or leave it as it is."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.base_view import BaseView, success, validated
from deployments.api.endpoints.action_endpoints import TAG, PlanAnswer, created, documented_action, plan_shape
from deployments.api.endpoints.deployment_endpoints import target_in
from deployments.api.idempotency_key import idempotent
from deployments.api.schemas.openapi import documented
from deployments.api.schemas.requests import LeaveIn, RepairIn, RepairPlanIn
from deployments.scopes import Scope
from deployments.services.requests import repair


class RepairPlan(BaseView):
    needs = Scope.DEPLOY

    @documented(
        "planRepair",
        "Plan a repair; pass its approval along to reject the repair if anything changes",
        tag=TAG,
        takes=RepairPlanIn,
        answers={200: PlanAnswer},
    )
    def post(self, request: Request, project_id: UUID) -> Response:
        body = validated(RepairPlanIn, request.data)
        plan = repair.plan_repair(
            caller=self.caller, project_id=project_id, target=target_in(body), services=body.get("services", ())
        )
        return success({"data": {"plan": plan_shape(plan)}})


class Repair(BaseView):
    needs = Scope.DEPLOY

    @documented_action("repairStack", "Recreate the services that were changed on the server", takes=RepairIn)
    def post(self, request: Request, project_id: UUID) -> Response:
        body = validated(RepairIn, request.data)
        deployment = repair.repair_stack(
            caller=self.caller,
            project_id=project_id,
            target=target_in(body),
            services=body.get("services", ()),
            approval=body.get("approval", ""),
            deployment_id=uuid4(),
            request_id=self.take_request_id(body),
            at=timezone.now(),
        )
        return created(deployment)


class LeaveDifference(BaseView):
    needs = Scope.DEPLOY

    @documented(
        "leaveDifference",
        "Ignore a difference until it changes, or stop ignoring it",
        tag=TAG,
        takes=LeaveIn,
        answers={204: None},
        key=True,
    )
    @idempotent()
    def post(self, request: Request, project_id: UUID) -> Response:
        body = validated(LeaveIn, request.data)
        repair.leave_difference(
            caller=self.caller,
            project_id=project_id,
            target=target_in(body),
            service_name=body["serviceName"],
            aspect=body["aspect"],
            left=body.get("leave", True),
        )
        return Response(status=204)
