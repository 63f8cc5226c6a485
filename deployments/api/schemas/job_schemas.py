"""What requests and answers on jobs hold, for the OpenAPI document. Names are the wire's; no logic lives here."""

# ruff: noqa: N815 - the wire's names

from __future__ import annotations

from rest_framework import serializers

from deployments.api.schemas.requests import RequestSchema
from deployments.api.schemas.responses import ResponseSchema, Timestamp
from deployments.data.job_types import JobRunState

MAX_JOB_NAME = 200


class JobRunsQuery(RequestSchema):
    job = serializers.CharField(required=False, max_length=MAX_JOB_NAME, help_text="Only runs of this job.")


class JobOut(ResponseSchema):
    """A job of what runs on a server."""

    name = serializers.CharField()
    serverId = serializers.UUIDField()
    serverName = serializers.CharField()
    kind = serializers.ChoiceField(choices=["once-before", "by-hand", "on-schedule"])
    schedule = serializers.CharField(help_text="A cron expression; empty for a job without a schedule.")
    timeZone = serializers.CharField()
    overlap = serializers.CharField(help_text="forbid, replace or allow; empty for a job without a schedule.")
    nextAt = Timestamp()


class JobRunOut(ResponseSchema):
    """A run of a job by its schedule, as its server's agent told it last."""

    id = serializers.UUIDField()
    job = serializers.CharField()
    serverId = serializers.UUIDField()
    serverName = serializers.CharField()
    deploymentId = serializers.UUIDField(help_text="The deployment whose schedule it was.")
    state = serializers.ChoiceField(
        choices=[str(each) for each in JobRunState],
        help_text="unknown: nobody can know what became of it; skipped: the run before had not ended; missed: it could "
        "not begin in time; forgotten: the agent had to drop it before it could be told.",
    )
    dueAt = Timestamp()
    lastDueAt = Timestamp()
    count = serializers.IntegerField(help_text="Of missed and forgotten runs, how many from dueAt to lastDueAt.")
    startedAt = Timestamp()
    endedAt = Timestamp()
    exitCode = serializers.IntegerField()
    message = serializers.CharField()
    stopRequestedAt = Timestamp()
    stopRequestedBy = serializers.CharField()
    toldAt = Timestamp()
    unknown = serializers.CharField(help_text="Why nobody can know whether it still runs; empty when it is known.")


class JobRunDetailOut(JobRunOut):
    output = serializers.CharField(help_text="The end of what it wrote, masked. It may come a little after the end.")
