"""The jobs of what runs, when they run next, and the runs of those on a schedule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from agents.contracts.job_schedule import Schedule, is_schedule, next_moment
from agents.services import directory
from agents.wording.sentences import sentence
from deployments.data.job_types import JobLine, JobRunRecord, JobRunState
from deployments.errors import NotFound
from deployments.repositories import deployments, history
from deployments.repositories.observation import job_run_rows
from deployments.services.history import snapshots
from deployments.services.observation import stacks
from deployments.services.permissions import access
from deployments.states import Kind
from deployments.types import Caller, HistoryEntry, Right, TargetKind
from stackgen.results import StackJob

MAX_RUNS = 200


def list_jobs(*, caller: Caller, project_id: UUID, now: datetime) -> tuple[JobLine, ...]:
    """Return the jobs of what runs on each server, in order of their names. Raises NotFound for strangers."""
    access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    running = [
        entry
        for entry in history.running_by_target(project_id=project_id)
        if entry.kind != Kind.STOP and entry.target.kind is TargetKind.SERVER
    ]
    names = directory.server_names(server_ids={entry.target.id for entry in running})
    lines = [line for entry in running for line in _lines(entry, names.get(entry.target.id, ""), now)]
    return tuple(sorted(lines, key=lambda line: (line.name, line.server_name)))


def list_runs(*, caller: Caller, project_id: UUID, job: str = "", limit: int = MAX_RUNS) -> tuple[JobRunRecord, ...]:
    """Return the newest runs by a schedule, without what they wrote. Raises NotFound for strangers."""
    access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    return _described(job_run_rows.of_project(project_id=project_id, job=job, limit=min(max(limit, 1), MAX_RUNS)))


def get_run(*, caller: Caller, project_id: UUID, run_id: UUID) -> JobRunRecord:
    """Return one run with the end of what it wrote. Raises NotFound for strangers and for a run of another project."""
    access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    found = job_run_rows.find(project_id=project_id, run_id=run_id)
    if found is None:
        raise NotFound(sentence("No such run."))
    return _described([found])[0]


def _described(runs: Iterable[JobRunRecord]) -> tuple[JobRunRecord, ...]:
    """Return the runs with the names of their servers, and why nobody can know how those that ran are now."""
    runs = tuple(runs)
    names = directory.server_names(server_ids={run.server_id for run in runs})
    at_work = {run.server_id for run in runs if run.state is JobRunState.RUNNING}
    unknown = {server_id: stacks.why_unknown(server_id=server_id) for server_id in at_work}
    return tuple(
        replace(
            run,
            server_name=names.get(run.server_id, str(run.server_id)[:8]),
            unknown=unknown[run.server_id] if run.state is JobRunState.RUNNING else "",
        )
        for run in runs
    )


def _lines(entry: HistoryEntry, server_name: str, now: datetime) -> list[JobLine]:
    config = deployments.get(deployment_id=entry.deployment_id).config
    return [
        JobLine(
            name=job.service.name,
            server_id=entry.target.id,
            server_name=server_name or str(entry.target.id)[:8],
            kind="on-schedule" if job.schedule else "by-hand" if job.by_hand else "once-before",
            schedule=job.schedule,
            time_zone=job.time_zone,
            overlap=job.overlap,
            next_at=_next(job, now),
        )
        for job in snapshots.jobs_of(config)
    ]


def _next(job: StackJob, now: datetime) -> datetime | None:
    schedule = Schedule(cron=job.schedule, time_zone=job.time_zone)
    return next_moment(schedule, after=now) if job.schedule and is_schedule(schedule) else None
