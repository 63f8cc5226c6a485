"""What requests and answers on stacks hold, for the OpenAPI document."""

# ruff: noqa: N815 - the wire's names

from __future__ import annotations

from rest_framework import serializers

from agents.limits import MAX_ENDPOINTS
from deployments.api.schemas.history_responses import SeenOut
from deployments.api.schemas.requests import PageQuery, RequestSchema
from deployments.api.schemas.responses import JsonObject, ResponseSchema, Timestamp, string_list
from deployments.data.incident_types import Cause, Severity
from deployments.data.reach_types import ReachState


class StacksQuery(RequestSchema):
    projectId = serializers.UUIDField(required=False, help_text="Of this project alone.")


class StackOut(ResponseSchema):
    projectId = serializers.UUIDField()
    projectName = serializers.CharField()
    serverId = serializers.UUIDField()
    serverName = serializers.CharField()
    seen = SeenOut()


class StackEventOut(ResponseSchema):
    id = serializers.UUIDField(help_text="The same on Kafka.")
    projectId = serializers.UUIDField()
    serverId = serializers.UUIDField()
    sequence = serializers.IntegerField(min_value=1, help_text="Rises by one per project and server.")
    type = serializers.CharField(help_text="Such as stack.state_changed; its schema is in deployments/schemas/.")
    payload = JsonObject()
    createdAt = Timestamp()


class IncidentsQuery(PageQuery):
    projectId = serializers.UUIDField(required=False, help_text="Of this project alone.")
    open = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Only those that are open, or only those that are not."
    )


class MuteIn(RequestSchema):
    minutes = serializers.IntegerField(min_value=0, max_value=7 * 24 * 60, help_text="0 ends it.")


class IncidentContainerOut(ResponseSchema):
    """A container as it was seen; times are Docker's, by the control plane's clock, 0 for never."""

    name = serializers.CharField()
    serviceName = serializers.CharField()
    state = serializers.CharField()
    health = serializers.CharField()
    exitCode = serializers.IntegerField()
    oomKilled = serializers.BooleanField()
    restarts = serializers.IntegerField(min_value=0)
    startedAt = Timestamp()
    finishedAt = Timestamp()


class IncidentOut(ResponseSchema):
    id = serializers.UUIDField()
    projectId = serializers.UUIDField()
    projectName = serializers.CharField()
    serverId = serializers.UUIDField()
    serverName = serializers.CharField()
    cause = serializers.ChoiceField(choices=[str(cause) for cause in Cause])
    severity = serializers.ChoiceField(choices=[str(severity) for severity in Severity])
    message = serializers.CharField()
    services = string_list(help_text="What it is about; empty for the whole stack.")
    containers = IncidentContainerOut(many=True)
    logTail = string_list(help_text="The last lines of what failed, masked.")
    deploymentId = serializers.CharField(help_text="What was proven last on the stack when it was opened.")
    since = Timestamp()
    openedAt = Timestamp()
    updatedAt = Timestamp()
    closedAt = Timestamp()
    acknowledgedAt = Timestamp()
    acknowledgedBy = serializers.CharField()
    mutedUntil = Timestamp()


class ReachIn(RequestSchema):
    serverId = serializers.UUIDField(required=False, allow_null=True, help_text="The server to try from; or clusterId.")
    clusterId = serializers.UUIDField(required=False, allow_null=True, help_text="A manager of this cluster tries.")
    nodes = serializers.ListField(
        child=serializers.CharField(max_length=200),
        required=False,
        max_length=MAX_ENDPOINTS,
        help_text="Ids or names of external nodes; all of them without it.",
    )


class ReachLineOut(ResponseSchema):
    """An external node, and whether the server could connect to it."""

    nodeId = serializers.CharField()
    name = serializers.CharField()
    host = serializers.CharField()
    port = serializers.IntegerField()
    outcome = serializers.CharField(
        help_text="reached, refused, timed_out, unresolved, unreachable, forbidden; empty while nobody knows."
    )
    message = serializers.CharField()
    milliseconds = serializers.IntegerField()


class ReachCheckOut(ResponseSchema):
    """Who had external nodes tried from a server, and what became of it."""

    id = serializers.UUIDField()
    serverId = serializers.UUIDField()
    serverName = serializers.CharField()
    state = serializers.ChoiceField(choices=[str(each) for each in ReachState])
    message = serializers.CharField()
    nodes = ReachLineOut(many=True)
    requestedBy = serializers.CharField()
    requestedAt = Timestamp()
    endedAt = Timestamp()
