"""Jobs of a project: what runs when, what became of runs by a schedule, and the end of one by POST."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext

from agents.wording.pages import lazy
from agents.wording.sentences import sentence
from deployments.admin.ownership import or_404, require_project_viewer
from deployments.admin.page_responses import render_page, show_error
from deployments.data.job_types import JobRunRecord, JobRunState
from deployments.errors import DeployError, NotFound
from deployments.models import Project
from deployments.services.permissions import access
from deployments.services.queries import job_view
from deployments.services.requests import stop_job_run
from deployments.types import Right

PAGE = "admin/deployments/project/jobs.html"
TONES = {
    JobRunState.RUNNING: "busy",
    JobRunState.SUCCEEDED: "good",
    JobRunState.FAILED: "bad",
    JobRunState.UNKNOWN: "bad",
    JobRunState.FORGOTTEN: "bad",
    JobRunState.MISSED: "back",
}
STATES = {
    JobRunState.RUNNING: lazy("running"),
    JobRunState.SUCCEEDED: lazy("succeeded"),
    JobRunState.FAILED: lazy("failed"),
    JobRunState.STOPPED: lazy("stopped"),
    JobRunState.UNKNOWN: lazy("unknown"),
    JobRunState.SKIPPED: lazy("skipped"),
    JobRunState.MISSED: lazy("missed"),
    JobRunState.FORGOTTEN: lazy("forgotten"),
}


def jobs_view(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Show jobs and runs, with `?run=` what one wrote; by POST, have a run ended."""
    caller = require_project_viewer(request, object_id)
    if request.method == "POST":
        _stop(request, object_id)
        return redirect("admin:deployments_project_jobs", object_id)
    project = access.project_for(caller=caller, project_id=object_id, right=Right.SEE)
    chosen = None
    if run_id := request.GET.get("run", ""):
        chosen = or_404(_run, request=request, object_id=object_id, run_id=run_id)
    runs = job_view.list_runs(caller=caller, project_id=object_id)
    return render_page(
        request,
        PAGE,
        project=project,
        title=gettext("Jobs of {project}").format(project=project.name),
        of=Project(pk=project.id, name=project.name),
        jobs=job_view.list_jobs(caller=caller, project_id=object_id, now=timezone.now()),
        runs=[(run, TONES.get(run.state, "none"), STATES.get(run.state, run.state)) for run in runs],
        limit=job_view.MAX_RUNS,
        chosen=chosen,
        may_stop=access.may(caller=caller, project_id=object_id, right=Right.DEPLOY),
    )


def _run(*, request: HttpRequest, object_id: UUID, run_id: str) -> JobRunRecord:
    try:
        wanted = UUID(run_id)
    except ValueError:
        raise NotFound(sentence("No such run.")) from None
    return job_view.get_run(caller=require_project_viewer(request, object_id), project_id=object_id, run_id=wanted)


def _stop(request: HttpRequest, object_id: UUID) -> None:
    try:
        run = stop_job_run.stop_job_run(
            caller=require_project_viewer(request, object_id),
            project_id=object_id,
            run_id=UUID(request.POST.get("run", "")),
            at=timezone.now(),
        )
        messages.success(
            request,
            gettext("{job} is being stopped. The run ends when its agent confirms that.").format(job=run.job),
        )
    except ValueError:
        show_error(request, NotFound(sentence("No such run.")))
    except DeployError as error:
        show_error(request, error)
