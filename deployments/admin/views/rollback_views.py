"""Rolling a deployment back by hand: choose a version, see what will happen, confirm."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext

from deployments.admin import badges, plan_summary
from deployments.admin.forms import request_id_in
from deployments.admin.ownership import caller_in, or_404
from deployments.admin.page_responses import error_lines, render_page, show_error, way_to_deployment
from deployments.admin.views.history_views import identifier_in, page_links, page_number
from deployments.errors import DeployError, Forbidden
from deployments.models import Deployment
from deployments.services.fleet import machine_list
from deployments.services.permissions import access
from deployments.services.queries import history_view, lookups
from deployments.services.requests import make_plan, rollback
from deployments.types import Caller, DeploymentRecord, HistoryEntry, Right

PER_PAGE = 10
PAGE = "admin/deployments/deployment/rollback.html"


def rollback_view(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Show and take a rollback to `?to=`, a deployment that succeeded; without it to the last success before."""
    caller = caller_in(request)
    deployment: DeploymentRecord = or_404(lookups.get_deployment, caller=caller, deployment_id=object_id)
    try:
        access.deployment_for(caller=caller, deployment_id=object_id, right=Right.DEPLOY)
    except Forbidden as error:
        show_error(request, error)
        return redirect("admin:deployments_deployment_change", object_id)
    if request.method == "POST":
        return request_rollback(request, caller, deployment)
    return show_choices(request, caller, deployment)


def request_rollback(request: HttpRequest, caller: Caller, deployment: DeploymentRecord) -> HttpResponse:
    """Store the rollback to just the version that the page showed, and go to its page."""
    try:
        deployment = rollback.rollback_deployment(
            caller=caller,
            deployment_id=deployment.id,
            target_deployment_id=UUID(request.POST.get("to", "")),
            rollback_id=uuid4(),
            request_id=request_id_in(request.POST),
            at=timezone.now(),
        )
    except ValueError:
        messages.error(request, gettext("Choose the version to go back to."))
        return redirect("admin:deployments_deployment_rollback", deployment.id)
    except DeployError as error:
        show_error(request, error)
        return redirect("admin:deployments_deployment_rollback", deployment.id)
    return redirect("admin:deployments_deployment_change", deployment.id)


def show_choices(request: HttpRequest, caller: Caller, deployment: DeploymentRecord) -> HttpResponse:
    """Show the versions of the lane beside the plan of the chosen one."""
    listed = history_view.list_history(
        caller=caller,
        project_id=deployment.project_id,
        target_id=deployment.target.id,
        page=page_number(request),
        limit=PER_PAGE,
    )
    return render_page(
        request,
        PAGE,
        title=gettext("Roll back {project_name}").format(project_name=deployment.project_name),
        of=Deployment(pk=deployment.id, kind=deployment.kind),
        called=f"{deployment.project_name} {str(deployment.id)[:8]}",
        way=way_to_deployment(
            deployment_id=deployment.id, project_id=deployment.project_id, project_name=deployment.project_name
        ),
        deployment=deployment,
        badge=badges.deployment_badge(deployment),
        target_name=machine_list.target_name(deployment.target),
        page=listed,
        links=page_links(request, listed),
        request_id=uuid4(),
        **proposal(caller, deployment, to=identifier_in(request, "to")),
    )


def proposal(caller: Caller, deployment: DeploymentRecord, *, to: UUID | None) -> dict[str, Any]:
    """Return the version that would come back with its plan, or why none can."""
    try:
        entry: HistoryEntry = rollback.choose_entry(caller=caller, deployment=deployment, target_deployment_id=to)
        planned = make_plan.plan_rollback(
            caller=caller, deployment_id=deployment.id, target_deployment_id=entry.deployment_id
        )
    except DeployError as error:
        return {"entry": None, "wanted": to, "complaints": error_lines(error)}
    plan = plan_summary.summarize_plan(
        planned.changes,
        target_name=machine_list.target_name(deployment.target),
        warnings=planned.warnings,
        text=planned.text,
        variables=planned.variables,
    )
    return {"entry": entry, "wanted": entry.deployment_id, "plan": plan}
