"""What runs on a target and what one may do with it: stop all of it, or run another number of copies of a service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext

from agents.wording.sentences import sentence
from deployments.admin import plan_summary
from deployments.admin.forms import copies_in, request_id_in, target_in
from deployments.admin.ownership import require_project_viewer
from deployments.admin.page_responses import error_lines, render_page, show_error
from deployments.errors import Conflict, DeployError
from deployments.models import Project
from deployments.repositories import history
from deployments.services.fleet import machine_list
from deployments.services.permissions import access
from deployments.services.queries import lookups
from deployments.services.requests import plan_actions, scale, stop
from deployments.types import Caller, DeploymentRecord, ProjectRecord, Right, ServiceState, Target

STOP_PAGE = "admin/deployments/project/stop.html"
SCALE_PAGE = "admin/deployments/project/scale.html"

View = Callable[[HttpRequest, Caller, ProjectRecord], HttpResponse]


def stop_view(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Say what goes and what stays; stop it by POST only."""
    return answer_deployers(request, object_id, confirm_stop if request.method != "POST" else request_stop)


def scale_view(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Show the services with their current number, with `?service=&replicas=` the change; scale by POST only."""
    return answer_deployers(request, object_id, confirm_scale if request.method != "POST" else request_scale)


def answer_deployers(request: HttpRequest, project_id: UUID, view: View) -> HttpResponse:
    """Answer who may deploy; every refusal leads back to the project's page and is shown there."""
    caller = require_project_viewer(request, project_id)
    try:
        return view(request, caller, access.project_for(caller=caller, project_id=project_id, right=Right.DEPLOY))
    except DeployError as error:
        show_error(request, error)
        return redirect("admin:deployments_project_change", project_id)


def confirm_stop(request: HttpRequest, caller: Caller, project: ProjectRecord) -> HttpResponse:
    target = target_in(request.GET.get("target", ""))
    running_deployment(caller, project, target)
    planned = plan_actions.plan_stop(caller=caller, project_id=project.id, target=target)
    return render_target_page(
        request,
        STOP_PAGE,
        title=gettext("Stop {project}").format(project=project.name),
        project=project,
        target=target,
        plan=plan_summary.summarize_plan(
            planned.changes, target_name=machine_list.target_name(target), warnings=planned.warnings
        ),
    )


def request_stop(request: HttpRequest, caller: Caller, project: ProjectRecord) -> HttpResponse:
    deployment = stop.stop_project(
        caller=caller,
        project_id=project.id,
        target=target_in(request.POST.get("target", "")),
        deployment_id=uuid4(),
        request_id=request_id_in(request.POST),
        at=timezone.now(),
    )
    return redirect("admin:deployments_deployment_change", deployment.id)


def confirm_scale(request: HttpRequest, caller: Caller, project: ProjectRecord) -> HttpResponse:
    target = target_in(request.GET.get("target", ""))
    services = running_deployment(caller, project, target).services
    chosen = chosen_service(request, services)
    replicas = copies_in(request.GET.get("replicas", "")) if chosen else None
    complaints, warnings = scale_doubts(caller, project, target, chosen, replicas)
    return render_target_page(
        request,
        SCALE_PAGE,
        title=gettext("Scale {project}").format(project=project.name),
        project=project,
        target=target,
        services=services,
        chosen=chosen,
        replicas=replicas,
        complaints=complaints,
        warnings=warnings,
    )


def scale_doubts(
    caller: Caller, project: ProjectRecord, target: Target, chosen: ServiceState | None, replicas: int | None
) -> tuple[list[str], tuple[str, ...]]:
    """Return why the chosen number cannot be had, before anybody is promised it, and what to know beside it."""
    if chosen is None or replicas is None:
        return [], ()
    try:
        planned = plan_actions.plan_scale(
            caller=caller, project_id=project.id, target=target, service_name=chosen.name, replicas=replicas
        )
        return [], planned.warnings
    except DeployError as error:
        return error_lines(error), ()


def chosen_service(request: HttpRequest, services: tuple[ServiceState, ...]) -> ServiceState | None:
    return next((service for service in services if service.name == request.GET.get("service")), None)


def request_scale(request: HttpRequest, caller: Caller, project: ProjectRecord) -> HttpResponse:
    deployment = scale.scale_service(
        caller=caller,
        project_id=project.id,
        target=target_in(request.POST.get("target", "")),
        service_name=request.POST.get("service", ""),
        replicas=copies_in(request.POST.get("replicas", "")),
        deployment_id=uuid4(),
        request_id=request_id_in(request.POST),
        at=timezone.now(),
    )
    return redirect("admin:deployments_deployment_change", deployment.id)


def render_target_page(
    request: HttpRequest, template: str, *, title: str, project: ProjectRecord, target: Target, **context: Any
) -> HttpResponse:
    """Render a page about what a project runs on a target, with the id of the request to come."""
    return render_page(
        request,
        template,
        title=title,
        of=Project(pk=project.id, name=project.name),
        project=project,
        target=f"{target.kind}:{target.id}",
        target_name=machine_list.target_name(target),
        request_id=uuid4(),
        **context,
    )


def running_deployment(caller: Caller, project: ProjectRecord, target: Target) -> DeploymentRecord:
    """Return the deployment whose stack was last proven to run there. Raise Conflict when there is none."""
    entry = history.running(project_id=project.id, target_id=target.id)
    deployment = lookups.get_deployment(caller=caller, deployment_id=entry.deployment_id) if entry else None
    if deployment is None or not deployment.services:
        raise Conflict(sentence("The project is not running there. Deploy it first."))
    return deployment
