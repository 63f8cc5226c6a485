"""What bodies and queries may hold. Names are the wire's; no logic lives here."""

# ruff: noqa: N815 - the wire's names

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from deployments.scopes import Scope
from deployments.services.permissions import tokens
from deployments.states import Kind
from deployments.wire import STATUS_OF_NUMBER

NAME_LENGTH = 100
LONGEST_WAIT = 3600
HIGHEST = 2**31 - 1

Checked = serializers.Serializer[Any]


class MetadataIn(Checked):
    """Only the request's own id is taken: who the caller is never comes from a body."""

    requestId = serializers.CharField(required=False, allow_blank=True, max_length=200)


class MetadataOnlyIn(Checked):
    metadata = MetadataIn(required=False)


class DeployIn(Checked):
    projectId = serializers.UUIDField()
    serverId = serializers.UUIDField(required=False, allow_null=True)
    clusterId = serializers.UUIDField(required=False, allow_null=True)
    envVars = serializers.DictField(
        child=serializers.CharField(allow_blank=True, trim_whitespace=False), required=False
    )
    forceRedeploy = serializers.BooleanField(required=False)
    approval = serializers.CharField(required=False, allow_blank=True, max_length=200)
    metadata = MetadataIn(required=False)


class PlanIn(Checked):
    """The body of a deployment without what only the deployment itself needs."""

    serverId = serializers.UUIDField(required=False, allow_null=True)
    clusterId = serializers.UUIDField(required=False, allow_null=True)
    envVars = serializers.DictField(
        child=serializers.CharField(allow_blank=True, trim_whitespace=False), required=False
    )
    forceRedeploy = serializers.BooleanField(required=False)


class RollbackIn(Checked):
    targetDeploymentId = serializers.UUIDField(required=False, allow_null=True)
    metadata = MetadataIn(required=False)


class RollbackPlanQuery(Checked):
    targetDeploymentId = serializers.UUIDField(required=False)


class StopIn(Checked):
    serverId = serializers.UUIDField(required=False, allow_null=True)
    clusterId = serializers.UUIDField(required=False, allow_null=True)
    metadata = MetadataIn(required=False)


class ScaleIn(StopIn):
    serviceName = serializers.CharField(max_length=200)
    replicas = serializers.IntegerField(min_value=1, max_value=HIGHEST)


# The wire's name is a keyword here.
DiffQuery = type("DiffQuery", (Checked,), {"with": serializers.UUIDField()})


class HistoryQuery(Checked):
    targetId = serializers.UUIDField(required=False)
    page = serializers.IntegerField(min_value=1, max_value=HIGHEST, required=False)
    limit = serializers.IntegerField(min_value=1, max_value=HIGHEST, required=False)


class ListQuery(Checked):
    projectId = serializers.UUIDField(required=False)
    statusFilter = serializers.ChoiceField(choices=[0, *STATUS_OF_NUMBER], required=False)
    kind = serializers.ChoiceField(choices=[kind.value for kind in Kind if kind is not Kind.UNKNOWN], required=False)
    page = serializers.IntegerField(min_value=1, max_value=HIGHEST, required=False)
    limit = serializers.IntegerField(min_value=1, max_value=HIGHEST, required=False)

    after = serializers.CharField(
        required=False, max_length=100, help_text="The last answer's `next`; page is not used."
    )
    order = serializers.ChoiceField(choices=["newest", "oldest"], required=False)


class PageQuery(Checked):
    page = serializers.IntegerField(min_value=1, max_value=HIGHEST, required=False)
    limit = serializers.IntegerField(min_value=1, max_value=HIGHEST, required=False)


class ProjectsQuery(PageQuery):
    name = serializers.CharField(required=False, allow_blank=True, max_length=NAME_LENGTH)


class EventsQuery(Checked):
    after = serializers.IntegerField(min_value=0, max_value=HIGHEST, required=False)
    limit = serializers.IntegerField(min_value=1, max_value=HIGHEST, required=False)


class ProjectIn(Checked):
    name = serializers.CharField(max_length=NAME_LENGTH)
    concurrency = serializers.ChoiceField(choices=["queue", "supersede"], required=False)
    restoreOnFailure = serializers.BooleanField(required=False)
    healthDeadline = serializers.IntegerField(min_value=1, max_value=LONGEST_WAIT, required=False)
    healthWindow = serializers.IntegerField(min_value=0, max_value=LONGEST_WAIT, required=False)
    retention = serializers.IntegerField(min_value=1, max_value=1000, required=False)


class ProjectChangeIn(ProjectIn):
    name = serializers.CharField(max_length=NAME_LENGTH, required=False)


class RoleIn(Checked):
    role = serializers.ChoiceField(choices=["viewer", "deployer"])


class EnrolmentIn(Checked):
    replace = serializers.BooleanField(
        required=False, help_text="Enrol also while the server's agent is connected, in its place."
    )


class TokenIn(Checked):
    name = serializers.CharField(max_length=NAME_LENGTH, required=False, allow_blank=True)
    scope = serializers.ChoiceField(choices=list(Scope), required=False, help_text="all, when it is left out")
    expiresInDays = serializers.IntegerField(min_value=1, max_value=tokens.MAX_DAYS, required=False)


class GraphIn(Checked):
    nodes = serializers.ListField(child=serializers.DictField())
    edges = serializers.ListField(child=serializers.DictField())


class ServerIn(Checked):
    name = serializers.CharField(max_length=NAME_LENGTH)
    host = serializers.CharField(max_length=255, required=False, allow_blank=True)
    clusterId = serializers.UUIDField(required=False, allow_null=True)


class ServerChangeIn(ServerIn):
    name = serializers.CharField(max_length=NAME_LENGTH, required=False)
    privilegedAllowed = serializers.BooleanField(
        required=False, help_text="Services there may be given the Docker socket: as good as root on the machine."
    )


class ClusterIn(Checked):
    name = serializers.CharField(max_length=NAME_LENGTH)
