"""What answers on plans, history and lanes hold, for the OpenAPI document."""

# ruff: noqa: N815 - the wire's names

from __future__ import annotations

from rest_framework import serializers

from deployments.api.schemas.responses import Moment, Shape, Status, map_of_texts, texts


class ChangeOut(Shape):
    serviceName = serializers.CharField()
    nodeId = serializers.CharField()
    action = serializers.CharField()
    reasons = texts()
    downtime = serializers.BooleanField()


class PlanOut(Shape):
    changes = ChangeOut(many=True)
    text = serializers.CharField(help_text="The same for people.")
    approval = serializers.CharField(help_text="For `approval` of a deployment; empty for a rollback.")
    warnings = texts()


class DiffOut(Shape):
    changes = ChangeOut(many=True)
    text = serializers.CharField()
    envAdded = texts()
    envRemoved = texts()
    envChanged = texts()


class HistoryOut(Shape):
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
    createdAt = Moment()
    requestedBy = serializers.CharField()
    images = map_of_texts(help_text="Service to digest.")
    envNames = texts()
    restorable = serializers.BooleanField()
    whyNot = serializers.CharField()


class TurnOut(Shape):
    deploymentId = serializers.UUIDField()
    kind = serializers.CharField()
    status = Status()
    requestedBy = serializers.CharField()
    createdAt = Moment()


class LaneOut(Shape):
    serverId = serializers.UUIDField(required=False)
    clusterId = serializers.UUIDField(required=False)
    targetName = serializers.CharField()
    holder = TurnOut(allow_null=True)
    since = Moment()
    until = Moment()
    waiting = TurnOut(many=True)
    running = HistoryOut(allow_null=True, help_text="What was proven last; nobody has looked since it was.")
