"""What an answer on usage holds, for the OpenAPI document."""

# ruff: noqa: N815 - the wire's names

from __future__ import annotations

from rest_framework import serializers

from deployments.api.schemas.requests import RequestSchema
from deployments.api.schemas.responses import ResponseSchema, Timestamp
from deployments.services.queries.usage import MAX_HOURS

RATE = "Bytes per second."


class UsageQuery(RequestSchema):
    hours = serializers.IntegerField(
        min_value=1, max_value=MAX_HOURS, required=False, help_text="So long back; 1. The longer, the longer the steps."
    )


class UsagePointOut(ResponseSchema):
    at = Timestamp()
    cpuPercent = serializers.FloatField(help_text="Of one processor, so it may be above 100.")
    memoryBytes = serializers.IntegerField()
    memoryLimitBytes = serializers.IntegerField(help_text="0 for none of its own.")
    received = serializers.FloatField(help_text=RATE)
    sent = serializers.FloatField(help_text=RATE)
    read = serializers.FloatField(help_text=RATE)
    written = serializers.FloatField(help_text=RATE)
    diskBytes = serializers.IntegerField()


class UsageSeriesOut(ResponseSchema):
    """One container, or the machine where `container` is empty. Where nothing was heard, there is no point."""

    serverId = serializers.UUIDField()
    nodeId = serializers.CharField()
    serviceName = serializers.CharField()
    container = serializers.CharField()
    points = UsagePointOut(many=True)


class UsageMarkOut(ResponseSchema):
    """A deployment that ended, or a container that was killed for lack of memory."""

    kind = serializers.ChoiceField(choices=["deployment", "memoryKill"])
    at = Timestamp()
    message = serializers.CharField()
    deploymentId = serializers.CharField(help_text="Empty for a kill.")
    container = serializers.CharField(help_text="Empty for a deployment.")


class UsageOut(ResponseSchema):
    since = Timestamp()
    stepSeconds = serializers.IntegerField(min_value=1, help_text="Each point stands for so many seconds from `at` on.")
    complete = serializers.BooleanField(help_text="False where there was too much to tell all of it.")
    series = UsageSeriesOut(many=True)
    marks = UsageMarkOut(many=True, help_text="What happened meanwhile, by time.")
