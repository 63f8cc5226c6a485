"""Making all containers of one service anew, or running a job: the plan first, the restart by POST only."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext

from deployments.admin import plan_summary
from deployments.admin.forms import request_id_in, target_in
from deployments.admin.views.stop_and_scale_views import answer_deployers, render_target_page, running_deployment
from deployments.services.fleet import machine_list
from deployments.services.history import snapshots
from deployments.services.requests import make_plan, moves, restart
from deployments.types import Caller, ProjectRecord

PAGE = "admin/deployments/project/restart.html"


def restart_view(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Show the services, with `?service=` what its restart would do; restart by POST only."""
    return answer_deployers(request, object_id, confirm_restart if request.method != "POST" else request_restart)


def confirm_restart(request: HttpRequest, caller: Caller, project: ProjectRecord) -> HttpResponse:
    target = target_in(request.GET.get("target", ""))
    running = running_deployment(caller, project, target)
    jobs = [job.service.name for job in snapshots.jobs_of(running.config)]
    name, node = request.GET.get("service", ""), request.GET.get("moveTo", "")
    summary = None
    if name:
        plan = make_plan.plan_restart(
            caller=caller, project_id=project.id, target=target, service_name=name, move_to=node
        )
        summary = plan_summary.summarize_plan(
            plan.changes, target_name=machine_list.target_name(target), warnings=plan.warnings
        )
    return render_target_page(
        request,
        PAGE,
        title=gettext("Run the job {name} of {name2}").format(name=name, name2=project.name)
        if name in jobs
        else gettext("Restart a service of {name}").format(name=project.name),
        project=project,
        target=target,
        services=running.services,
        jobs=jobs,
        chosen=name,
        move_to=node,
        nodes=moves.nodes_to_choose(target=target, config=running.config, service_name=name),
        is_job=name in jobs,
        plan=summary,
    )


def request_restart(request: HttpRequest, caller: Caller, project: ProjectRecord) -> HttpResponse:
    deployment = restart.restart_service(
        caller=caller,
        project_id=project.id,
        target=target_in(request.POST.get("target", "")),
        service_name=request.POST.get("service", ""),
        move_to=request.POST.get("moveTo", ""),
        deployment_id=uuid4(),
        request_id=request_id_in(request.POST),
        at=timezone.now(),
    )
    return redirect("admin:deployments_deployment_change", deployment.id)
