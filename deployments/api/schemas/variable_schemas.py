"""Bodies, queries and answers about variables that stay. Names are the wire's; no logic lives here."""

# ruff: noqa: N815 - the wire's names

from __future__ import annotations

from rest_framework import serializers

from deployments.api.schemas.requests import RequestSchema
from deployments.api.schemas.responses import ResponseSchema, Timestamp, string_list
from deployments.data.variable_types import Scope

MAX_ID_LENGTH = 200
MAX_NAME_LENGTH = 200
MAX_CHANGES = 200
HELP_SCOPE = f"What it belongs to: {', '.join(Scope)}."
HELP_SERVER = "Of this target alone. Without it and without nodeId: of the whole project."


class PlaceQuery(RequestSchema):
    serverId = serializers.UUIDField(required=False, help_text=HELP_SERVER)
    nodeId = serializers.CharField(required=False, max_length=MAX_ID_LENGTH, help_text="Of this node alone.")


class VariablesIn(RequestSchema):
    serverId = serializers.UUIDField(required=False, allow_null=True, help_text=HELP_SERVER)
    nodeId = serializers.CharField(
        required=False, allow_null=True, max_length=MAX_ID_LENGTH, help_text="Of this node alone."
    )
    variables = serializers.DictField(
        child=serializers.CharField(allow_blank=True, trim_whitespace=False),
        required=False,
        help_text="From name to the new value. Names that are not here keep theirs.",
    )
    remove = serializers.ListField(child=serializers.CharField(max_length=MAX_NAME_LENGTH), required=False)


class EnvFileIn(RequestSchema):
    serverId = serializers.UUIDField(required=False, allow_null=True, help_text=HELP_SERVER)
    nodeId = serializers.CharField(
        required=False, allow_null=True, max_length=MAX_ID_LENGTH, help_text="Of this node alone."
    )
    text = serializers.CharField(trim_whitespace=False, help_text="What a .env file holds.")


class ChangesQuery(RequestSchema):
    limit = serializers.IntegerField(min_value=1, max_value=MAX_CHANGES, required=False)


class VariableOut(ResponseSchema):
    """A variable by name. No answer holds a value."""

    scope = serializers.CharField(help_text=HELP_SCOPE)
    serverId = serializers.CharField(allow_null=True)
    nodeId = serializers.CharField(allow_null=True)
    name = serializers.CharField()
    version = serializers.IntegerField(min_value=1)
    setBy = serializers.CharField()
    setAt = Timestamp()


class VariableChangeOut(ResponseSchema):
    scope = serializers.CharField(help_text=HELP_SCOPE)
    serverId = serializers.CharField(allow_null=True)
    nodeId = serializers.CharField(allow_null=True)
    name = serializers.CharField()
    version = serializers.IntegerField(min_value=1)
    action = serializers.ChoiceField(choices=["set", "removed"])
    by = serializers.CharField()
    at = Timestamp()


class PlannedVariablesOut(ResponseSchema):
    """Names of variables that a deployment is given otherwise than what runs; of a node as nodeId.NAME."""

    added = string_list()
    changed = string_list()
    removed = string_list()
