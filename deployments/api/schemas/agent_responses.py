"""What answers on agents hold, for the OpenAPI document."""

# ruff: noqa: N815 - the wire's names

from __future__ import annotations

from rest_framework import serializers

from agents.reports.update_rules import RolloutState, UpdateState
from deployments.api.schemas.requests import RequestSchema
from deployments.api.schemas.responses import JsonObject, ResponseSchema, Timestamp, string_list


class StalledOut(ResponseSchema):
    commandId = serializers.CharField()
    deploymentId = serializers.CharField()
    seconds = serializers.IntegerField(help_text="Since its work last made progress")
    step = serializers.CharField(help_text="What it waits for")


class ConditionOut(ResponseSchema):
    """How the agent is, as it reported itself at `at`."""

    at = Timestamp()
    troubles = string_list(help_text="One sentence per problem; empty when there is none")
    engineAnswers = serializers.BooleanField()
    engineMessage = serializers.CharField(help_text="Why Docker does not answer")
    diskTotalBytes = serializers.IntegerField(help_text="Of the disk that holds the agent's folder; 0 when unknown")
    diskFreeBytes = serializers.IntegerField()
    fault = serializers.CharField(help_text="A fault of the agent itself, such as a journal that cannot be written")
    stalled = StalledOut(many=True)


class AgentOut(ResponseSchema):
    id = serializers.UUIDField()
    serverId = serializers.UUIDField()
    userId = serializers.UUIDField()
    status = serializers.IntegerField(help_text="1 connected, 2 disconnected, 4 pending")
    presence = serializers.CharField()
    version = serializers.CharField()
    os = serializers.CharField()
    architecture = serializers.CharField()
    serverInfo = JsonObject()
    health = JsonObject()
    lastSeenAt = Timestamp()
    clockSkewMs = serializers.IntegerField(
        allow_null=True, help_text="By how much its clock is ahead of ours; null for an agent that does not tell."
    )
    condition = ConditionOut(allow_null=True, help_text="null for an agent that does not report it")


class UpdatesIn(RequestSchema):
    servers = serializers.ListField(
        child=serializers.UUIDField(), required=False, max_length=5000, help_text="Whose agents. Default: all of yours."
    )


class AgentUpdateOut(ResponseSchema):
    """One agent of a rollout. Waves come one after the other: one agent, a tenth, all others."""

    serverId = serializers.CharField()
    serverName = serializers.CharField()
    agentId = serializers.CharField()
    wave = serializers.IntegerField()
    state = serializers.ChoiceField(choices=[str(each) for each in UpdateState])
    progress = serializers.CharField(help_text="How far the agent says it is; empty until it said so")
    message = serializers.CharField()
    fromVersion = serializers.CharField()
    endedAt = Timestamp()


class RolloutOut(ResponseSchema):
    id = serializers.CharField()
    version = serializers.CharField()
    state = serializers.ChoiceField(choices=[str(each) for each in RolloutState])
    message = serializers.CharField()
    requestedBy = serializers.CharField()
    requestedAt = Timestamp()
    cancelRequestedAt = Timestamp()
    endedAt = Timestamp()
    updates = AgentUpdateOut(many=True)
