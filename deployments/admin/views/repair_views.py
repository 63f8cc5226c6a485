"""What somebody changed on a server: look at the repair and ask for it, or leave a difference as it is."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from deployments.admin import plan_summary
from deployments.admin.forms import request_id_in, target_in
from deployments.admin.views.stop_and_scale_views import answer_deployers, render_target_page
from deployments.services.requests import repair
from deployments.types import Caller, ProjectRecord

REPAIR_PAGE = "admin/deployments/project/repair.html"


def repair_view(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Say what will be started anew, of all that differs or of `?service=`; repair it by POST only."""
    return answer_deployers(request, object_id, confirm_repair if request.method != "POST" else request_repair)


@require_POST
def leave_view(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Leave one difference as it is until it changes, or no longer; lead back to the project's page."""
    return answer_deployers(request, object_id, leave)


def confirm_repair(request: HttpRequest, caller: Caller, project: ProjectRecord) -> HttpResponse:
    target = target_in(request.GET.get("target", ""))
    services = request.GET.getlist("service")
    plan = repair.plan_repair(caller=caller, project_id=project.id, target=target, services=services)
    return render_target_page(
        request,
        REPAIR_PAGE,
        title=gettext("Repair {project}").format(project=project.name),
        project=project,
        target=target,
        services=services,
        plan=plan_summary.summarize_plan(plan.changes, warnings=plan.warnings, approval=plan.approval),
    )


def request_repair(request: HttpRequest, caller: Caller, project: ProjectRecord) -> HttpResponse:
    deployment = repair.repair_stack(
        caller=caller,
        project_id=project.id,
        target=target_in(request.POST.get("target", "")),
        services=request.POST.getlist("service"),
        approval=request.POST.get("approval", ""),
        deployment_id=uuid4(),
        request_id=request_id_in(request.POST),
        at=timezone.now(),
    )
    return redirect("admin:deployments_deployment_change", deployment.id)


def leave(request: HttpRequest, caller: Caller, project: ProjectRecord) -> HttpResponse:
    left = request.POST.get("leave") == "1"
    repair.leave_difference(
        caller=caller,
        project_id=project.id,
        target=target_in(request.POST.get("target", "")),
        service_name=request.POST.get("service", ""),
        aspect=request.POST.get("aspect", ""),
        left=left,
    )
    messages.success(
        request,
        gettext("This difference is ignored until it changes.")
        if left
        else gettext("This difference is no longer ignored."),
    )
    return redirect("admin:deployments_project_change", project.id)
