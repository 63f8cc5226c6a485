"""What answers on plans, history and lanes hold, for the OpenAPI document."""

# ruff: noqa: N815 - the wire's names

from __future__ import annotations

from rest_framework import serializers

from deployments.api.schemas.responses import ResponseSchema, Status, Timestamp, string_list, string_map
from deployments.api.schemas.variable_schemas import PlannedVariablesOut
from deployments.rules.conditions import ServiceCondition, StackCondition
from deployments.rules.drift import Aspect


class ChangeOut(ResponseSchema):
    serviceName = serializers.CharField()
    nodeId = serializers.CharField()
    action = serializers.CharField()
    reasons = string_list()
    downtime = serializers.BooleanField()


class PlanOut(ResponseSchema):
    changes = ChangeOut(many=True)
    text = serializers.CharField(help_text="The plan as text, for people.")
    approval = serializers.CharField(help_text="Pass it as the `approval` of a deployment; empty for a rollback.")
    warnings = string_list()
    variables = PlannedVariablesOut()


class DiffOut(ResponseSchema):
    changes = ChangeOut(many=True)
    text = serializers.CharField()
    envAdded = string_list()
    envRemoved = string_list()
    envChanged = string_list()


class HistoryOut(ResponseSchema):
    id = serializers.UUIDField()
    deploymentId = serializers.UUIDField()
    projectId = serializers.UUIDField()
    serverId = serializers.UUIDField(required=False)
    clusterId = serializers.UUIDField(required=False)
    number = serializers.IntegerField(min_value=1)
    version = serializers.CharField()
    kind = serializers.CharField()
    graphVersion = serializers.IntegerField()
    rolledBack = serializers.BooleanField()
    createdAt = Timestamp()
    requestedBy = serializers.CharField()
    images = string_map(help_text="From service to image digest.")
    envNames = string_list()
    restorable = serializers.BooleanField()
    whyNot = serializers.CharField()


class TurnOut(ResponseSchema):
    deploymentId = serializers.UUIDField()
    kind = serializers.CharField()
    status = Status()
    requestedBy = serializers.CharField()
    createdAt = Timestamp()


class SeenServiceOut(ResponseSchema):
    nodeId = serializers.CharField()
    serviceName = serializers.CharField()
    state = serializers.ChoiceField(choices=[str(condition) for condition in ServiceCondition])
    running = serializers.IntegerField(min_value=0)
    replicas = serializers.IntegerField(min_value=0)
    since = Timestamp()
    message = serializers.CharField(help_text="What is wrong; empty when nothing is.")


class SeenOut(ResponseSchema):
    state = serializers.ChoiceField(choices=[str(condition) for condition in StackCondition])
    since = Timestamp()
    seenAt = Timestamp()
    message = serializers.CharField(help_text="What is wrong, or why nobody can know.")
    services = SeenServiceOut(many=True)
    strangers = string_list(help_text="Containers with the project's labels that belong to no service.")


class DifferenceOut(ResponseSchema):
    nodeId = serializers.CharField(help_text="Empty for a container that nobody deployed.")
    serviceName = serializers.CharField()
    aspect = serializers.ChoiceField(choices=[str(aspect) for aspect in Aspect])
    name = serializers.CharField(help_text="The aspect for people.")
    meant = serializers.CharField(help_text="What was deployed; a mark of it where the value may be secret.")
    there = serializers.CharField(help_text="What is there.")
    since = Timestamp()
    leftBy = serializers.CharField(help_text="Who said to leave it as it is; empty for nobody.")
    repairable = serializers.BooleanField(help_text="Whether a repair can bring it back.")


class DriftOut(ResponseSchema):
    whyNot = serializers.CharField(help_text="Why it is not known now, or not all of it; empty when it is.")
    differences = DifferenceOut(many=True)
    repairsStopped = serializers.CharField(help_text="Why it is no longer repaired by itself; empty when it is.")
    soakUntil = Timestamp()
    soakMessage = serializers.CharField(help_text="What became of the watch after the last deployment.")


class LaneOut(ResponseSchema):
    serverId = serializers.UUIDField(required=False)
    clusterId = serializers.UUIDField(required=False)
    targetName = serializers.CharField()
    gone = serializers.BooleanField(help_text="The server or cluster was deleted; its history is left.")
    holder = TurnOut(allow_null=True)
    since = Timestamp()
    until = Timestamp()
    waiting = TurnOut(many=True)
    running = HistoryOut(allow_null=True, help_text="What was last proven to run.")
    seen = SeenOut(allow_null=True, help_text="How it is now, as the server's agent sees it; null on a cluster.")
    drift = DriftOut(allow_null=True, help_text="How it differs from what was deployed; null on a cluster.")
