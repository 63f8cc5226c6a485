"""What answers hold, for the OpenAPI document; the shapes themselves are made in `wire` and beside the views."""

# ruff: noqa: N815 - the wire's names

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from deployments.wire import STAGE_NUMBERS, STATUS_NUMBERS

ResponseSchema = serializers.Serializer[Any]
STATUSES = "1 pending, 2 in progress, 3 success, 4 failed, 5 rolling back, 6 rolled back"
STAGES = "0 none, 1 building, 2 pushing, 3 deploying, 4 health checking, 5 completed"
MOMENT = "Milliseconds since 1970; 0 for none."


class Status(serializers.IntegerField):
    def __init__(self) -> None:
        super().__init__(min_value=1, max_value=len(STATUS_NUMBERS), help_text=STATUSES)


class Stage(serializers.IntegerField):
    def __init__(self) -> None:
        super().__init__(min_value=0, max_value=len(STAGE_NUMBERS) - 1, help_text=STAGES)


class Timestamp(serializers.IntegerField):
    def __init__(self) -> None:
        super().__init__(min_value=0, help_text=MOMENT)


@extend_schema_field({"type": "object", "additionalProperties": {}})
class JsonObject(serializers.JSONField):
    """An object whose members are described elsewhere."""


def string_list(**more: Any) -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField(), **more)


def string_map(**more: Any) -> serializers.DictField:
    return serializers.DictField(child=serializers.CharField(), **more)


class ErrorOut(ResponseSchema):
    code = serializers.CharField()
    message = serializers.CharField()
    details = string_map()


class ProblemOut(ResponseSchema):
    """RFC 9457. `error` repeats code, message and details in the shape of the platform's other doors."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField(help_text="Stable: what programs should check.")
    details = string_map(help_text="From field to sentence.")
    error = ErrorOut()


class PaginationOut(ResponseSchema):
    page = serializers.IntegerField(min_value=1)
    limit = serializers.IntegerField(min_value=1)
    total = serializers.IntegerField(min_value=0)
    totalPages = serializers.IntegerField(min_value=0)


class CursorOut(PaginationOut):
    next = serializers.CharField(help_text="Pass it as `after` to read on; empty at the end.")


class ServiceOut(ResponseSchema):
    """One service; `state`, `health` and `image` are what the agent saw in Docker, until the deployment ended."""

    nodeId = serializers.CharField()
    serviceId = serializers.CharField()
    serviceName = serializers.CharField()
    serverId = serializers.CharField()
    status = Status()
    state = serializers.CharField()
    health = serializers.CharField()
    image = serializers.CharField()
    imageDigest = serializers.CharField()
    containerIds = string_list()
    replicas = serializers.IntegerField(min_value=0)
    healthyReplicas = serializers.IntegerField(min_value=0)
    errorMessage = serializers.CharField()
    deployedAt = Timestamp()


class ConfigOut(ResponseSchema):
    """What was generated; empty before the start."""

    dockerComposeYml = serializers.CharField()
    dockerfiles = string_map()
    dockerImages = string_map()
    serviceDependencies = string_list(help_text="Services in the order they start.")


class StatusOut(ResponseSchema):
    status = Status()
    serviceStatuses = ServiceOut(many=True)
    currentStage = Stage()
    progressPercent = serializers.IntegerField(min_value=0, max_value=100)
    reason = serializers.CharField(help_text="Why it did not succeed: unhealthy, build, cancelled, expired...")
    errorMessage = serializers.CharField()


class DeploymentOut(StatusOut):
    """`serverId` or `clusterId` is there, never both. Values of variables are never shown."""

    id = serializers.UUIDField()
    projectId = serializers.UUIDField()
    serverId = serializers.UUIDField(required=False)
    clusterId = serializers.UUIDField(required=False)
    kind = serializers.CharField()
    requestedBy = serializers.CharField()
    envVars = string_map(help_text="From name to a mask in place of the value.")
    config = ConfigOut()
    configOmitted = serializers.BooleanField(help_text="Set where a list is too large: get the deployment by itself.")
    failedService = serializers.CharField()
    logTail = string_list()
    version = serializers.CharField(help_text="Of a success: its name in the history of its target; else empty.")
    description = serializers.CharField(help_text="Why, in the words of who asked; empty for none.")
    restartedService = serializers.CharField(help_text="Of a restart: whose containers are made anew.")
    movedTo = serializers.CharField(
        help_text="Of a restart: the node of the cluster that its data moves to; else empty."
    )
    graphVersion = serializers.IntegerField()
    forceRedeploy = serializers.BooleanField()
    lastSequence = serializers.IntegerField()
    cancelRequestedAt = Timestamp()
    cancelConfirmedAt = Timestamp()
    rollbackOf = serializers.CharField(help_text="The deployment that this rollback undoes; empty for none.")
    rolledBackBy = serializers.CharField(help_text="The rollback that undoes or undid this; empty for none.")
    cause = serializers.CharField(help_text="Why the product asked for it by itself; empty when a person did.")
    startedAt = Timestamp()
    completedAt = Timestamp()
    createdAt = Timestamp()
    updatedAt = Timestamp()


class EventOut(ResponseSchema):
    id = serializers.UUIDField()
    deploymentId = serializers.UUIDField()
    projectId = serializers.UUIDField()
    sequence = serializers.IntegerField(min_value=1)
    type = serializers.CharField()
    payload = JsonObject()
    createdAt = Timestamp()


class GraphVersionOut(ResponseSchema):
    graphVersion = serializers.IntegerField(min_value=1)
    createdAt = Timestamp()


class GraphOut(GraphVersionOut):
    graph = JsonObject()


class CodeOut(ResponseSchema):
    nodeId = serializers.CharField()
    digest = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes of the tar.")
    updatedAt = Timestamp()


class MemberOut(ResponseSchema):
    userId = serializers.UUIDField(allow_null=True, help_text="null for somebody who was invited and has not answered.")
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=["viewer", "deployer", "editor", "approver"])
    state = serializers.ChoiceField(choices=["member", "invited"])


class InvitationOut(ResponseSchema):
    id = serializers.UUIDField()
    projectId = serializers.UUIDField()
    projectName = serializers.CharField()
    role = serializers.ChoiceField(choices=["viewer", "deployer", "editor", "approver"])
    invitedBy = serializers.CharField()
    createdAt = Timestamp()


class GrantOut(ResponseSchema):
    """A grant has two halves: the owner of the server offers it, the owner of the project allows it."""

    state = serializers.ChoiceField(choices=["granted", "offered", "asked", "none"])
    allowedBy = serializers.CharField(help_text="Who gave the project's half; empty for nobody.")
    allowedAt = Timestamp()
    offeredBy = serializers.CharField(help_text="Who gave the server's half; empty for nobody.")
    offeredAt = Timestamp()
    endedBy = serializers.CharField()
    endedAt = Timestamp()
    endedBecause = serializers.CharField()


class TargetOut(GrantOut):
    serverId = serializers.UUIDField()
    name = serializers.CharField()
    owner = serializers.CharField()
    presence = serializers.CharField()
    usable = serializers.BooleanField(help_text="Whether you may deploy the project there now.")


class LatestOut(ResponseSchema):
    deploymentId = serializers.UUIDField()
    kind = serializers.CharField()
    status = Status()
    createdAt = Timestamp()


class TenantOut(GrantOut):
    """A project on your server, and nothing of what it is made of."""

    projectId = serializers.UUIDField()
    projectName = serializers.CharField()
    owner = serializers.CharField()
    stackName = serializers.CharField()
    deployedSince = Timestamp()
    latest = LatestOut(allow_null=True)


class StoppedOut(ResponseSchema):
    deploymentId = serializers.UUIDField()
    status = Status()


class ServerOut(ResponseSchema):
    """`status` is the number of the platform's contract; `presence` says how the agent is in our own words."""

    id = serializers.UUIDField()
    userId = serializers.UUIDField()
    name = serializers.CharField()
    host = serializers.CharField()
    clusterId = serializers.UUIDField(allow_null=True)
    agentId = serializers.UUIDField(allow_null=True)
    status = serializers.IntegerField(help_text="1 connected, 2 disconnected, 4 pending, 5 installing")
    presence = serializers.CharField()
    privilegedAllowed = serializers.BooleanField()
    labels = string_list(help_text="Words that its owner gave it")
    drainedAt = Timestamp()
    agentVersion = serializers.CharField(allow_blank=True, help_text="As its agent said when it connected")


class ClusterOut(ResponseSchema):
    id = serializers.UUIDField()
    userId = serializers.UUIDField()
    name = serializers.CharField()
    serversCount = serializers.IntegerField()
