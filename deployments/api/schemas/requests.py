"""What bodies and queries may hold. Names are the wire's; no logic lives here."""

# ruff: noqa: N815 - the wire's names

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from agents.limits import MAX_PAST_LINES, MAX_SEARCH
from agents.states import Presence
from deployments.rules.drift import Aspect
from deployments.scopes import Scope
from deployments.services.permissions import api_tokens
from deployments.states import Kind, Reason
from deployments.wire import STATUS_OF_NUMBER

MAX_NAME_LENGTH = 100
MAX_WAIT_SECONDS = 3600
MAX_INTEGER = 2**31 - 1
MAX_REPAIRS_PER_HOUR = 60
MAX_SOAK_MINUTES = 24 * 60
MAX_SERVICES = 1000

RequestSchema = serializers.Serializer[Any]


class MetadataIn(RequestSchema):
    """Only the request's own id is taken: who the caller is never comes from a body."""

    requestId = serializers.CharField(required=False, allow_blank=True, max_length=200)


class MetadataOnlyIn(RequestSchema):
    metadata = MetadataIn(required=False)


HELP_LABEL = "In place of serverId: a label that exactly one server has that you can deploy the project to."


class DeployIn(RequestSchema):
    projectId = serializers.UUIDField()
    serverLabel = serializers.CharField(required=False, max_length=63, help_text=HELP_LABEL)
    serverId = serializers.UUIDField(required=False, allow_null=True)
    clusterId = serializers.UUIDField(required=False, allow_null=True)
    envVars = serializers.DictField(
        child=serializers.CharField(allow_blank=True, trim_whitespace=False), required=False
    )
    forceRedeploy = serializers.BooleanField(required=False)
    approval = serializers.CharField(required=False, allow_blank=True, max_length=200)
    description = serializers.CharField(
        required=False, allow_blank=True, max_length=500, help_text="Why: a commit, a ticket, a sentence."
    )
    metadata = MetadataIn(required=False)


class PlanIn(RequestSchema):
    """The body of a deployment without what only the deployment itself needs."""

    serverLabel = serializers.CharField(required=False, max_length=63, help_text=HELP_LABEL)
    serverId = serializers.UUIDField(required=False, allow_null=True)
    clusterId = serializers.UUIDField(required=False, allow_null=True)
    envVars = serializers.DictField(
        child=serializers.CharField(allow_blank=True, trim_whitespace=False), required=False
    )
    forceRedeploy = serializers.BooleanField(required=False)


class RollbackIn(RequestSchema):
    targetDeploymentId = serializers.UUIDField(required=False, allow_null=True)
    metadata = MetadataIn(required=False)


class RollbackPlanQuery(RequestSchema):
    targetDeploymentId = serializers.UUIDField(required=False)


class StopIn(RequestSchema):
    serverId = serializers.UUIDField(required=False, allow_null=True)
    clusterId = serializers.UUIDField(required=False, allow_null=True)
    metadata = MetadataIn(required=False)


class ScaleIn(StopIn):
    serviceName = serializers.CharField(max_length=200)
    replicas = serializers.IntegerField(min_value=1, max_value=MAX_INTEGER)


class RestartIn(StopIn):
    serviceName = serializers.CharField(max_length=200)
    moveTo = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class RestartPlanQuery(RequestSchema):
    serverId = serializers.UUIDField(required=False)
    clusterId = serializers.UUIDField(required=False)
    serviceName = serializers.CharField(max_length=200)
    moveTo = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class StopPlanQuery(RequestSchema):
    serverId = serializers.UUIDField(required=False)
    clusterId = serializers.UUIDField(required=False)


class ScalePlanQuery(StopPlanQuery):
    serviceName = serializers.CharField(max_length=200)
    replicas = serializers.IntegerField(min_value=1, max_value=MAX_INTEGER)


class RepairPlanIn(RequestSchema):
    """`services`: exactly these; without it, all that differ and were not said to be left."""

    serverId = serializers.UUIDField(required=False, allow_null=True)
    clusterId = serializers.UUIDField(required=False, allow_null=True)
    services = serializers.ListField(
        child=serializers.CharField(max_length=200), required=False, max_length=MAX_SERVICES
    )


class RepairIn(RepairPlanIn):
    approval = serializers.CharField(required=False, allow_blank=True, max_length=200)
    metadata = MetadataIn(required=False)


class LeaveIn(RequestSchema):
    serverId = serializers.UUIDField(required=False, allow_null=True)
    clusterId = serializers.UUIDField(required=False, allow_null=True)
    serviceName = serializers.CharField(max_length=200)
    aspect = serializers.ChoiceField(choices=[aspect.value for aspect in Aspect])
    leave = serializers.BooleanField(required=False, help_text="False: say so no longer. True if left out.")


class DiffQuery(RequestSchema):
    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # Python reserves the word `with`, so the field cannot be declared as an attribute.
        return {"with": serializers.UUIDField()}


class HistoryQuery(RequestSchema):
    targetId = serializers.UUIDField(required=False)
    page = serializers.IntegerField(min_value=1, max_value=MAX_INTEGER, required=False)
    limit = serializers.IntegerField(min_value=1, max_value=MAX_INTEGER, required=False)


class LogsQuery(RequestSchema):
    serverId = serializers.UUIDField(required=False)
    service = serializers.CharField(
        required=False, max_length=200, help_text="Only this one's; name several with commas between them."
    )
    since = serializers.IntegerField(min_value=0, max_value=2**53, required=False, help_text="Milliseconds since 1970.")
    until = serializers.IntegerField(min_value=0, max_value=2**53, required=False, help_text="Milliseconds since 1970.")
    tail = serializers.IntegerField(
        min_value=0, max_value=MAX_PAST_LINES, required=False, help_text="At most so many lines, the newest; 200."
    )
    search = serializers.CharField(
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        max_length=MAX_SEARCH,
        help_text="Only lines in which this stands, in whichever case.",
    )


class ListQuery(RequestSchema):
    projectId = serializers.UUIDField(required=False)
    statusFilter = serializers.ChoiceField(choices=[0, *STATUS_OF_NUMBER], required=False)
    kind = serializers.ChoiceField(choices=[kind.value for kind in Kind if kind is not Kind.UNKNOWN], required=False)
    requestedById = serializers.UUIDField(
        required=False, help_text="Only what this person asked for: the `userId` of a project or of a member."
    )
    targetId = serializers.UUIDField(required=False, help_text="Only on this server or cluster.")
    reason = serializers.ChoiceField(
        choices=[reason.value for reason in Reason if reason is not Reason.NONE],
        required=False,
        help_text="Only what ended, or is being put back, for this reason.",
    )
    createdFrom = serializers.DateTimeField(
        required=False, help_text="Requested at this moment or later: RFC 3339; UTC where no zone is given."
    )
    createdUntil = serializers.DateTimeField(required=False, help_text="Requested before this moment.")
    page = serializers.IntegerField(min_value=1, max_value=MAX_INTEGER, required=False)
    limit = serializers.IntegerField(min_value=1, max_value=MAX_INTEGER, required=False)

    after = serializers.CharField(
        required=False, max_length=100, help_text="The `next` of the last answer; `page` is ignored then."
    )
    order = serializers.ChoiceField(choices=["newest", "oldest"], required=False)


class PageQuery(RequestSchema):
    page = serializers.IntegerField(min_value=1, max_value=MAX_INTEGER, required=False)
    limit = serializers.IntegerField(min_value=1, max_value=MAX_INTEGER, required=False)


class ProjectsQuery(PageQuery):
    name = serializers.CharField(required=False, allow_blank=True, max_length=MAX_NAME_LENGTH)


class EventsQuery(RequestSchema):
    after = serializers.IntegerField(min_value=0, max_value=MAX_INTEGER, required=False)
    limit = serializers.IntegerField(min_value=1, max_value=MAX_INTEGER, required=False)


class ProjectIn(RequestSchema):
    name = serializers.CharField(max_length=MAX_NAME_LENGTH)
    concurrency = serializers.ChoiceField(choices=["queue", "supersede"], required=False)
    restoreOnFailure = serializers.BooleanField(required=False)
    healthDeadline = serializers.IntegerField(min_value=1, max_value=MAX_WAIT_SECONDS, required=False)
    healthWindow = serializers.IntegerField(min_value=0, max_value=MAX_WAIT_SECONDS, required=False)
    retention = serializers.IntegerField(min_value=1, max_value=1000, required=False)
    automaticRepair = serializers.BooleanField(required=False)
    repairsPerHour = serializers.IntegerField(min_value=1, max_value=MAX_REPAIRS_PER_HOUR, required=False)
    soakMinutes = serializers.IntegerField(min_value=0, max_value=MAX_SOAK_MINUTES, required=False)
    encryptNetworks = serializers.BooleanField(required=False)


class ProjectChangeIn(ProjectIn):
    name = serializers.CharField(max_length=MAX_NAME_LENGTH, required=False)


class EnrolmentIn(RequestSchema):
    replace = serializers.BooleanField(
        required=False, help_text="Enrol even while the server's agent is connected, and take its place."
    )


class TokenIn(RequestSchema):
    name = serializers.CharField(max_length=MAX_NAME_LENGTH, required=False, allow_blank=True)
    scope = serializers.ChoiceField(choices=list(Scope), required=False, help_text="all if left out")
    expiresInDays = serializers.IntegerField(min_value=1, max_value=api_tokens.MAX_DAYS, required=False)


class GraphIn(RequestSchema):
    nodes = serializers.ListField(child=serializers.DictField())
    edges = serializers.ListField(child=serializers.DictField())


class ServersQuery(RequestSchema):
    label = serializers.CharField(  # type: ignore[assignment]  # declared fields are taken out of the class
        required=False, max_length=63, help_text="That have this label."
    )
    presence = serializers.ChoiceField(
        choices=[each.value for each in Presence if each is not Presence.REVOKED], required=False
    )
    version = serializers.CharField(required=False, max_length=100, help_text="Whose agents are of this version.")
    drained = serializers.BooleanField(required=False, allow_null=True, default=None)
    q = serializers.CharField(required=False, max_length=100, help_text="In whose name or host this stands.")


class ServerIn(RequestSchema):
    name = serializers.CharField(max_length=MAX_NAME_LENGTH)
    host = serializers.CharField(max_length=255, required=False, allow_blank=True)
    clusterId = serializers.UUIDField(required=False, allow_null=True)


class ServerChangeIn(ServerIn):
    name = serializers.CharField(max_length=MAX_NAME_LENGTH, required=False)
    privilegedAllowed = serializers.BooleanField(
        required=False,
        help_text="Services there may be given the Docker socket, which is as good as root on the machine.",
    )
    labels = serializers.ListField(
        child=serializers.CharField(max_length=63), required=False, max_length=20, help_text="Such as region=eu."
    )
    drained = serializers.BooleanField(required=False, help_text="Take no new deployment; what runs there runs on.")


class ClusterIn(RequestSchema):
    name = serializers.CharField(max_length=MAX_NAME_LENGTH)
