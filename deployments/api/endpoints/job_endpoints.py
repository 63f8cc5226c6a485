"""REST for jobs: those of what runs, the runs of those on a schedule, and the end of one that runs."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.base_view import BaseView, success, validated
from deployments.api.idempotency_key import idempotent
from deployments.api.schemas.job_schemas import JobOut, JobRunDetailOut, JobRunOut, JobRunsQuery
from deployments.api.schemas.openapi import documented, enveloped_data
from deployments.data.job_types import JobLine, JobRunRecord
from deployments.event_types import epoch_ms
from deployments.scopes import Scope
from deployments.services.queries import job_view
from deployments.services.requests import stop_job_run

TAG = "jobs"
RunAnswer = enveloped_data("JobRunAnswer", run=JobRunDetailOut())


class ProjectJobs(BaseView):
    @documented(
        "listJobs",
        "List the jobs of what runs, and when those on a schedule run next",
        tag=TAG,
        answers={200: enveloped_data("JobsAnswer", jobs=JobOut(many=True))},
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        lines = job_view.list_jobs(caller=self.caller, project_id=project_id, now=timezone.now())
        return success({"data": {"jobs": [job_shape(line) for line in lines]}})


class JobRuns(BaseView):
    @documented(
        "listJobRuns",
        "List the newest 200 runs of jobs on a schedule, without what they wrote",
        tag=TAG,
        query=JobRunsQuery,
        answers={200: enveloped_data("JobRunsAnswer", runs=JobRunOut(many=True))},
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        job = validated(JobRunsQuery, request.query_params).get("job", "")
        runs = job_view.list_runs(caller=self.caller, project_id=project_id, job=job)
        return success({"data": {"runs": [run_shape(run) for run in runs]}})


class JobRunDetail(BaseView):
    @documented("getJobRun", "Get one run and the end of what it wrote", tag=TAG, answers={200: RunAnswer})
    def get(self, request: Request, project_id: UUID, run_id: UUID) -> Response:
        return detail(job_view.get_run(caller=self.caller, project_id=project_id, run_id=run_id))


class StopJobRun(BaseView):
    needs = Scope.DEPLOY

    @documented(
        "stopJobRun",
        "Stop a run; it is over when its agent has told that its container does not run any more",
        tag=TAG,
        answers={202: RunAnswer},
        key=True,
    )
    @idempotent()
    def post(self, request: Request, project_id: UUID, run_id: UUID) -> Response:
        run = stop_job_run.stop_job_run(caller=self.caller, project_id=project_id, run_id=run_id, at=timezone.now())
        return detail(run, status=202)


def detail(run: JobRunRecord, *, status: int = 200) -> Response:
    return success({"data": {"run": {**run_shape(run), "output": run.output}}}, status=status)


def job_shape(line: JobLine) -> dict[str, Any]:
    return {
        "name": line.name,
        "serverId": str(line.server_id),
        "serverName": line.server_name,
        "kind": line.kind,
        "schedule": line.schedule,
        "timeZone": line.time_zone,
        "overlap": line.overlap,
        "nextAt": epoch_ms(line.next_at),
    }


def run_shape(run: JobRunRecord) -> dict[str, Any]:
    return {
        "id": str(run.id),
        "job": run.job,
        "serverId": str(run.server_id),
        "serverName": run.server_name,
        "deploymentId": str(run.deployment_id),
        "state": str(run.state),
        "dueAt": epoch_ms(run.due_at),
        "lastDueAt": epoch_ms(run.last_due_at),
        "count": run.count,
        "startedAt": epoch_ms(run.started_at),
        "endedAt": epoch_ms(run.ended_at),
        "exitCode": run.exit_code,
        "message": run.message,
        "stopRequestedAt": epoch_ms(run.stop_requested_at),
        "stopRequestedBy": run.stop_requested_by,
        "toldAt": epoch_ms(run.told_at),
        "unknown": run.unknown,
    }
