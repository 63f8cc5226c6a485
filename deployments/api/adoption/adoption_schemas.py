"""What requests and answers on running containers hold. Names are the wire's; no logic lives here."""

# ruff: noqa: N815 - the wire's names

from __future__ import annotations

from rest_framework import serializers

from deployments.api.schemas.compose import ComposeLineOut
from deployments.api.schemas.requests import RequestSchema
from deployments.api.schemas.responses import ResponseSchema, Timestamp, string_list
from deployments.data.adoption_types import AdoptionState
from deployments.services.adoption.adopt import MAX_GROUPS

MAX_KEY = 300


class AdoptIn(RequestSchema):
    inspectionId = serializers.UUIDField()
    groups = serializers.ListField(
        child=serializers.CharField(max_length=MAX_KEY),
        min_length=1,
        max_length=MAX_GROUPS,
        help_text="Keys of the groups to take over, as listServerContainers gives them.",
    )
    name = serializers.CharField(max_length=100, required=False, help_text="The new project's name. Not for a preview.")
    preview = serializers.BooleanField(required=False, help_text="Store nothing.")


class InspectionOut(ResponseSchema):
    """A look at what runs on a server. What was seen is kept encrypted for a day."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=[str(each) for each in AdoptionState])
    message = serializers.CharField()
    requestedBy = serializers.CharField()
    requestedAt = Timestamp()
    toldAt = Timestamp()
    projectId = serializers.UUIDField(allow_null=True, help_text="The project that was made of it.")


class SeenContainerOut(ResponseSchema):
    """A running container that Axion Deploy did not start; values of variables are never shown."""

    name = serializers.CharField()
    image = serializers.CharField()
    volumes = string_list()


class ContainerGroupOut(ResponseSchema):
    """What is taken over as one: a Compose project or a single container."""

    key = serializers.CharField()
    name = serializers.CharField()
    isProject = serializers.BooleanField()
    containers = SeenContainerOut(many=True)
    whyNot = serializers.CharField(help_text="Why it cannot be taken over; empty where it can be.")


class AdoptionPlanOut(ResponseSchema):
    """What becomes of the containers. `projectId` is null for a preview."""

    projectId = serializers.UUIDField(allow_null=True)
    nodes = string_list()
    containers = string_list()
    volumes = string_list()
    lines = ComposeLineOut(many=True)
