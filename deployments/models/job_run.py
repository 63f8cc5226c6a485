"""Runs of jobs by a schedule, as the agents of their servers told them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from deployments.data.job_types import JobRunState
from deployments.models.project import Project


class JobRun(models.Model):
    """One run, or several that did not happen. Its output is masked: it holds no value of a secret."""

    id = models.UUIDField(primary_key=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    server_id = models.UUIDField()
    deployment_id = models.UUIDField()
    job = models.CharField(max_length=200)
    state = models.CharField(max_length=16, choices=[(state.value, state.value) for state in JobRunState])
    revision = models.PositiveBigIntegerField()
    due_at = models.DateTimeField()
    last_due_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    exit_code = models.IntegerField(default=0)
    message = models.TextField(default="", blank=True)
    output = models.TextField(default="", blank=True)
    stop_requested_at = models.DateTimeField(null=True)
    stop_requested_by = models.CharField(max_length=150, default="", blank=True)
    told_at = models.DateTimeField()

    class Meta:
        db_table = "job_runs"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in JobRunState]), name="job_run_state_known"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "-due_at", "-id"], name="job_runs_of_project"),
            models.Index(fields=["project", "server_id", "job", "-due_at"], name="job_runs_of_job"),
            models.Index(fields=["last_due_at"], name="job_runs_old"),
            models.Index(
                fields=["server_id"],
                condition=Q(state="running", stop_requested_at__isnull=False),
                name="job_runs_to_stop",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job}, {self.due_at:%Y-%m-%d %H:%M}"
