"""What requests and answers on stacks hold, for the OpenAPI document."""

# ruff: noqa: N815 - the wire's names

from __future__ import annotations

from rest_framework import serializers

from deployments.api.schemas.history_responses import SeenOut
from deployments.api.schemas.requests import RequestSchema
from deployments.api.schemas.responses import ResponseSchema


class StacksQuery(RequestSchema):
    projectId = serializers.UUIDField(required=False, help_text="Of this project alone.")


class StackOut(ResponseSchema):
    projectId = serializers.UUIDField()
    projectName = serializers.CharField()
    serverId = serializers.UUIDField()
    serverName = serializers.CharField()
    seen = SeenOut()
