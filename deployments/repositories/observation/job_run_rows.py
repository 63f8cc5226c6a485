"""Runs of jobs by a schedule, as rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Now

from agents.reports.job_runs import JobRunTold
from deployments.data.job_types import JobRunRecord, JobRunState
from deployments.models import JobRun

STATES = frozenset(state.value for state in JobRunState)


def store(*, server_id: UUID, runs: Iterable[JobRunTold], skew_ms: int) -> None:
    """Store newer states of runs on the server; the same or older ones change nothing. Inside a transaction.

    A state that this version does not know is one that nobody can know anything of.
    """
    for run in runs:
        values = {
            "deployment_id": run.deployment_id,
            "job": run.job,
            "state": run.state if run.state in STATES else JobRunState.UNKNOWN.value,
            "revision": run.revision,
            "due_at": _moment(run.due_ms, skew_ms=skew_ms),
            "last_due_at": _moment(run.last_due_ms or run.due_ms, skew_ms=skew_ms),
            "count": run.count,
            "started_at": _moment(run.started_ms, skew_ms=skew_ms) if run.started_ms else None,
            "ended_at": _moment(run.ended_ms, skew_ms=skew_ms) if run.ended_ms else None,
            "exit_code": run.exit_code,
            "message": run.message,
            "output": run.output,
            "told_at": Now(),
        }
        mine = JobRun.objects.filter(pk=run.run_id, project_id=run.project_id, server_id=server_id)
        if mine.filter(revision__lt=run.revision).update(**values):
            continue
        # One that is there already is newer, or of somebody else's host.
        row = JobRun(pk=run.run_id, project_id=run.project_id, server_id=server_id, **values)
        JobRun.objects.bulk_create([row], ignore_conflicts=True)


def _moment(ms: int, *, skew_ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=max(0, ms - skew_ms))


def of_project(*, project_id: UUID, job: str, limit: int) -> tuple[JobRunRecord, ...]:
    """Return the project's newest runs, without their output; of one job where it is named."""
    rows = JobRun.objects.filter(project_id=project_id).defer("output").order_by("-due_at", "-id")
    return tuple(_record(row, output="") for row in (rows.filter(job=job) if job else rows)[:limit])


def find(*, project_id: UUID, run_id: UUID) -> JobRunRecord | None:
    """Return the run with its output."""
    row = JobRun.objects.filter(project_id=project_id, pk=run_id).first()
    return _record(row, output=row.output) if row else None


def request_stop(*, run_id: UUID, by: str, at: datetime) -> bool:
    """Note that the run shall end, if it is not known to have; who asked first stays. Inside a transaction."""
    rows = JobRun.objects.filter(pk=run_id, state=JobRunState.RUNNING.value)
    rows.filter(stop_requested_at__isnull=True).update(stop_requested_at=at, stop_requested_by=by[:150])
    return rows.exists()


def to_stop(*, server_ids: Collection[UUID], limit: int) -> Mapping[UUID, list[UUID]]:
    """Return by server the runs that somebody wants to end."""
    rows = JobRun.objects.filter(
        server_id__in=server_ids, state=JobRunState.RUNNING.value, stop_requested_at__isnull=False
    )
    found: dict[UUID, list[UUID]] = {}
    for server_id, run_id in rows.order_by("stop_requested_at").values_list("server_id", "pk")[:limit]:
        found.setdefault(server_id, []).append(run_id)
    return found


def begun_since(*, project_id: UUID, server_id: UUID, since: datetime) -> Mapping[str, tuple[int, datetime]]:
    """Return by job how many runs have begun there since then, and when the last did."""
    rows = JobRun.objects.filter(project_id=project_id, server_id=server_id, started_at__gte=since).order_by()
    found: dict[str, tuple[int, datetime]] = {}
    for job, started_at in rows.values_list("job", "started_at").order_by("started_at"):
        assert started_at is not None, "the rows are those with a start"
        found[job] = (found.get(job, (0, started_at))[0] + 1, started_at)
    return found


def drop_before(*, before: datetime, limit: int) -> int:
    """Delete runs that were due before then and are over; return how many."""
    rows = JobRun.objects.filter(last_due_at__lt=before).exclude(state=JobRunState.RUNNING.value)
    return _delete(rows.order_by("last_due_at"), limit=limit)


def drop_beyond(*, number: int, limit: int) -> int:
    """Delete what is beyond the newest `number` of a project and over; return how many."""
    dropped = 0
    for project_id in JobRun.objects.order_by().values_list("project_id", flat=True).distinct():
        newest = JobRun.objects.filter(project_id=project_id).order_by("-due_at")
        beyond = newest.values_list("due_at", flat=True)[number : number + 1].first()
        if beyond is None or dropped >= limit:
            continue
        rows = JobRun.objects.filter(project_id=project_id, due_at__lte=beyond)
        dropped += _delete(rows.exclude(state=JobRunState.RUNNING.value).order_by("due_at"), limit=limit - dropped)
    return dropped


def _delete(rows: QuerySet[JobRun], *, limit: int) -> int:
    ids = list(rows.values_list("pk", flat=True)[:limit])
    return JobRun.objects.filter(pk__in=ids).delete()[0]


def forget_server(*, server_id: UUID) -> None:
    """Note that nobody will say any more what became of runs on a server that is being removed."""
    JobRun.objects.filter(server_id=server_id, state=JobRunState.RUNNING.value).update(
        state=JobRunState.UNKNOWN.value, message="Its server was removed from here."
    )


def _record(row: JobRun, *, output: str) -> JobRunRecord:
    return JobRunRecord(
        id=row.id,
        project_id=row.project_id,
        server_id=row.server_id,
        server_name="",
        deployment_id=row.deployment_id,
        job=row.job,
        state=JobRunState(row.state),
        due_at=row.due_at,
        last_due_at=row.last_due_at,
        count=row.count,
        started_at=row.started_at,
        ended_at=row.ended_at,
        exit_code=row.exit_code,
        message=row.message,
        output=output,
        stop_requested_at=row.stop_requested_at,
        stop_requested_by=row.stop_requested_by,
        told_at=row.told_at,
    )
