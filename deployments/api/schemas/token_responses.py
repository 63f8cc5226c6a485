"""What answers about tokens hold, of people and of agents, for the OpenAPI document."""

# ruff: noqa: N815 - the wire's names

from __future__ import annotations

from rest_framework import serializers

from deployments.api.schemas.responses import ResponseSchema, Timestamp
from deployments.scopes import Scope


class EnrolmentOut(ResponseSchema):
    token = serializers.CharField(help_text="Shown here and never again.")
    serverId = serializers.UUIDField()
    expiresAt = Timestamp()


class EnrolmentTokenOut(ResponseSchema):
    id = serializers.UUIDField()
    serverId = serializers.UUIDField()
    createdAt = Timestamp()
    expiresAt = Timestamp()
    replace = serializers.BooleanField(help_text="Whether it may take the place of an agent that is connected.")


class TokenOut(ResponseSchema):
    id = serializers.UUIDField()
    name = serializers.CharField()
    scope = serializers.ChoiceField(choices=list(Scope), help_text="What it allows: read, also deploy, or all.")
    createdAt = Timestamp()
    expiresAt = Timestamp()
    lastUsedAt = Timestamp()


class NewTokenOut(TokenOut):
    token = serializers.CharField(help_text="Shown here and never again.")
