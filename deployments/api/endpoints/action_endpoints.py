"""REST for what else can be done to what runs: look at the plan, go back, stop, scale."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from django.urls import reverse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.base_view import BaseView, success, validated
from deployments.api.endpoints.deployment_endpoints import DeploymentAnswer, named_target_in, target_in
from deployments.api.endpoints.history_endpoints import change_shape
from deployments.api.schemas.history_responses import PlanOut
from deployments.api.schemas.openapi import F, documented, enveloped_data
from deployments.api.schemas.requests import (
    PlanIn,
    RequestSchema,
    RestartIn,
    RestartPlanQuery,
    RollbackIn,
    RollbackPlanQuery,
    ScaleIn,
    ScalePlanQuery,
    StopIn,
    StopPlanQuery,
)
from deployments.scopes import Scope
from deployments.services.requests import make_plan, plan_actions, restart, rollback, scale, stop
from deployments.services.requests.make_plan import PlannedDeployment
from deployments.types import DeploymentRecord, DeployRequest
from deployments.wire import deployment_shape

TAG = "changes"
PlanAnswer = enveloped_data("PlanAnswer", plan=PlanOut())


def documented_action(operation: str, summary: str, *, takes: type[RequestSchema]) -> Callable[[F], F]:
    """Document a POST that stores a pending deployment."""
    return documented(operation, summary, tag=TAG, takes=takes, answers={201: DeploymentAnswer}, key=True)


class Plan(BaseView):
    needs = Scope.DEPLOY

    @documented(
        "planDeployment",
        "Plan a deployment; pass its approval along to reject the deployment if anything changes",
        tag=TAG,
        takes=PlanIn,
        answers={200: PlanAnswer},
    )
    def post(self, request: Request, project_id: UUID) -> Response:
        body = validated(PlanIn, request.data)
        deploy_request = DeployRequest(
            project_id=project_id,
            target=named_target_in(body, caller=self.caller, project_id=project_id),
            env_vars=body.get("envVars", {}),
            force_redeploy=body.get("forceRedeploy", False),
        )
        return success(
            {"data": {"plan": plan_shape(make_plan.plan_deployment(caller=self.caller, request=deploy_request))}}
        )


class RollbackPlan(BaseView):
    @documented("planRollback", "Plan a rollback", tag=TAG, query=RollbackPlanQuery, answers={200: PlanAnswer})
    def get(self, request: Request, deployment_id: UUID) -> Response:
        query = validated(RollbackPlanQuery, request.query_params)
        plan = make_plan.plan_rollback(
            caller=self.caller,
            deployment_id=deployment_id,
            target_deployment_id=query.get("targetDeploymentId"),
        )
        return success({"data": {"plan": plan_shape(plan)}})


class RollbackDeployment(BaseView):
    needs = Scope.DEPLOY

    @documented_action(
        "rollbackDeployment",
        "Roll back a deployment; returns at once, with the rollback still pending",
        takes=RollbackIn,
    )
    def post(self, request: Request, deployment_id: UUID) -> Response:
        body = validated(RollbackIn, request.data)
        deployment = rollback.rollback_deployment(
            caller=self.caller,
            deployment_id=deployment_id,
            target_deployment_id=body.get("targetDeploymentId"),
            rollback_id=uuid4(),
            request_id=self.take_request_id(body),
            at=timezone.now(),
        )
        return created(deployment)


class StopProject(BaseView):
    needs = Scope.DEPLOY

    @documented_action("stopProject", "Stop the project on a target; volumes are kept", takes=StopIn)
    def post(self, request: Request, project_id: UUID) -> Response:
        body = validated(StopIn, request.data)
        deployment = stop.stop_project(
            caller=self.caller,
            project_id=project_id,
            target=target_in(body),
            deployment_id=uuid4(),
            request_id=self.take_request_id(body),
            at=timezone.now(),
        )
        return created(deployment)

    @documented(
        "planStop",
        "Plan a stop: what goes and which data stays",
        tag=TAG,
        query=StopPlanQuery,
        answers={200: PlanAnswer},
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        query = validated(StopPlanQuery, request.query_params)
        plan = plan_actions.plan_stop(caller=self.caller, project_id=project_id, target=target_in(query))
        return success({"data": {"plan": plan_shape(plan)}})


class ScaleService(BaseView):
    needs = Scope.DEPLOY

    @documented_action("scaleService", "Change the number of copies of a service", takes=ScaleIn)
    def post(self, request: Request, project_id: UUID) -> Response:
        body = validated(ScaleIn, request.data)
        deployment = scale.scale_service(
            caller=self.caller,
            project_id=project_id,
            target=target_in(body),
            service_name=body["serviceName"],
            replicas=body["replicas"],
            deployment_id=uuid4(),
            request_id=self.take_request_id(body),
            at=timezone.now(),
        )
        return created(deployment)

    @documented("planScale", "Plan another number of copies", tag=TAG, query=ScalePlanQuery, answers={200: PlanAnswer})
    def get(self, request: Request, project_id: UUID) -> Response:
        query = validated(ScalePlanQuery, request.query_params)
        plan = plan_actions.plan_scale(
            caller=self.caller,
            project_id=project_id,
            target=target_in(query),
            service_name=query["serviceName"],
            replicas=query["replicas"],
        )
        return success({"data": {"plan": plan_shape(plan)}})


class RestartService(BaseView):
    needs = Scope.DEPLOY

    @documented_action(
        "restartService",
        "Restart a service, starting new containers first where possible; or run a job",
        takes=RestartIn,
    )
    def post(self, request: Request, project_id: UUID) -> Response:
        body = validated(RestartIn, request.data)
        deployment = restart.restart_service(
            caller=self.caller,
            project_id=project_id,
            target=target_in(body),
            service_name=body["serviceName"],
            move_to=body["moveTo"],
            deployment_id=uuid4(),
            request_id=self.take_request_id(body),
            at=timezone.now(),
        )
        return created(deployment)

    @documented("planRestart", "Plan a restart", tag=TAG, query=RestartPlanQuery, answers={200: PlanAnswer})
    def get(self, request: Request, project_id: UUID) -> Response:
        query = validated(RestartPlanQuery, request.query_params)
        plan = make_plan.plan_restart(
            caller=self.caller,
            project_id=project_id,
            target=target_in(query),
            service_name=query["serviceName"],
            move_to=query["moveTo"],
        )
        return success({"data": {"plan": plan_shape(plan)}})


def created(deployment: DeploymentRecord) -> Response:
    return success(
        {"deployment": deployment_shape(deployment)},
        status=201,
        location=reverse("api-deployment", args=[deployment.id]),
    )


def plan_shape(plan: PlannedDeployment) -> dict[str, Any]:
    return {
        "changes": [change_shape(change) for change in plan.changes],
        "text": plan.text,
        "approval": plan.approval,
        "warnings": list(plan.warnings),
        "variables": {
            "added": list(plan.variables.added),
            "changed": list(plan.variables.changed),
            "removed": list(plan.variables.removed),
        },
    }
