"""Deploying from a project's page: what will happen, and then just that. Scripts of the page ask, so that values of
variables stay in its form and nowhere else.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers

from agents.wording.sentences import sentence
from deployments.admin import plan_summary
from deployments.admin.forms import read_deploy_form
from deployments.admin.ownership import require_project_viewer
from deployments.admin.page_responses import error_lines, show_error
from deployments.errors import Conflict, DeployError, Forbidden, Invalid, TooMuch
from deployments.services.fleet import machine_list
from deployments.services.requests import deploy, make_plan, repeat
from deployments.types import Caller, DeployRequest

FRAGMENT = "admin/deployments/project/what_will_happen.html"
REFUSED = {Conflict: 409, Forbidden: 403, TooMuch: 429}


def plan_view(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Return what the posted form would do: a piece of the page, the approval and an id for the request to come."""
    caller = require_project_viewer(request, object_id)
    try:
        deploy_request = asked_for(request, caller, object_id)
        planned = summarize_request(caller, deploy_request)
    except DeployError as error:
        return plan_response(request, error=error)
    return plan_response(request, plan=planned)


def deploy_view(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Request the deployment. A script learns where its page is, or why not and what would happen now."""
    caller = require_project_viewer(request, object_id)
    by_script = request.headers.get("Accept") == "application/json"
    deploy_request: DeployRequest | None = None
    try:
        deploy_request = asked_for(request, caller, object_id)
        deployment = deploy.deploy_project(
            caller=caller, request=deploy_request, deployment_id=uuid4(), at=timezone.now()
        )
    except DeployError as error:
        if by_script:
            return plan_response(request, error=error, plan=plan_after_conflict(caller, deploy_request, error))
        show_error(request, error)
        return redirect("admin:deployments_project_change", object_id)
    address = reverse("admin:deployments_deployment_change", args=[deployment.id])
    return JsonResponse({"address": address}) if by_script else redirect(address)


def asked_for(request: HttpRequest, caller: Caller, project_id: UUID) -> DeployRequest:
    """Return what the form asks for; `again` names a deployment whose variables count where none is typed."""
    asked = read_deploy_form(caller=caller, project_id=project_id, posted=request.POST)
    if not request.POST.get("again"):
        return asked
    try:
        again = UUID(request.POST["again"])
    except ValueError:
        raise Invalid(sentence("No such deployment to repeat."), details={"again": sentence("not an id")}) from None
    kept = repeat.variables_of(caller=caller, project_id=project_id, deployment_id=again)
    return replace(asked, env_vars={**kept, **asked.env_vars})


def summarize_request(caller: Caller, deploy_request: DeployRequest) -> plan_summary.PlanSummary:
    plan = make_plan.plan_deployment(caller=caller, request=deploy_request)
    name = machine_list.target_name(deploy_request.target)
    return plan_summary.summarize_plan(
        plan.changes, target_name=name, warnings=plan.warnings, approval=plan.approval, variables=plan.variables
    )


def plan_after_conflict(
    caller: Caller, deploy_request: DeployRequest | None, error: DeployError
) -> plan_summary.PlanSummary | None:
    """Return what would happen now, for a request that was refused because something changed."""
    if deploy_request is None or not isinstance(error, Conflict):
        return None
    try:
        return summarize_request(caller, deploy_request)
    except DeployError:
        return None


def plan_response(
    request: HttpRequest, *, error: DeployError | None = None, plan: plan_summary.PlanSummary | None = None
) -> HttpResponse:
    """Return the piece of the page, with everything its form needs to go on."""
    shown: dict[str, Any] = {"plan": plan, "complaints": error_lines(error) if error else []}
    answer = JsonResponse(
        {
            "html": render_to_string(FRAGMENT, shown, request=request),
            "approval": plan.approval if plan else "",
            "requestId": str(uuid4()) if plan else "",
        },
        status=REFUSED.get(type(error), 400) if error else 200,
    )
    add_never_cache_headers(answer)
    return answer
