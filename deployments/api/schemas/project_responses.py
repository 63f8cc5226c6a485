"""What answers on projects hold, for the OpenAPI document."""

# ruff: noqa: N815 - the wire's names

from __future__ import annotations

from rest_framework import serializers

from deployments.api.schemas.responses import JsonObject, ResponseSchema, Timestamp, string_map
from deployments.rules.conditions import StackCondition


class ProjectStackOut(ResponseSchema):
    """How the project's stack on a server is now; `services` and more: listLanes, listStacks."""

    serverId = serializers.UUIDField()
    serverName = serializers.CharField()
    state = serializers.ChoiceField(choices=[str(condition) for condition in StackCondition])
    since = Timestamp()
    seenAt = Timestamp()
    message = serializers.CharField(help_text="What is wrong, or why nobody can know.")


class ProjectOut(ResponseSchema):
    id = serializers.UUIDField()
    userId = serializers.UUIDField()
    name = serializers.CharField()
    slug = serializers.CharField()
    concurrency = serializers.ChoiceField(choices=["queue", "supersede"])
    restoreOnFailure = serializers.BooleanField()
    healthDeadline = serializers.IntegerField()
    healthWindow = serializers.IntegerField()
    retention = serializers.IntegerField()
    automaticRepair = serializers.BooleanField(help_text="Whether what is changed on a server is repaired by itself.")
    repairsPerHour = serializers.IntegerField(help_text="So many such repairs within an hour; then it stops.")
    encryptNetworks = serializers.BooleanField(help_text="Whether networks between nodes of a cluster are encrypted.")
    soakMinutes = serializers.IntegerField(
        help_text="For so long a success that degrades by itself is rolled back; 0 for never."
    )
    stacks = ProjectStackOut(many=True, required=False, help_text="The worst first; not in answers to a change.")


class ProjectWholeOut(ProjectOut):
    graph = JsonObject(required=False)
    graphVersion = serializers.IntegerField(required=False)
    code = string_map(help_text="From node to the digest of its code.")
