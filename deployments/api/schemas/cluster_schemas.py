"""What REST takes and tells of clusters as Swarms."""

# ruff: noqa: N815 - field names are the wire's

from __future__ import annotations

from rest_framework import serializers

from deployments.api.schemas.requests import RequestSchema
from deployments.api.schemas.responses import ResponseSchema
from deployments.data.cluster_types import NODE_ACTIONS, ChangeKind, ChangeState
from deployments.services.clusters.cluster_requests import MAX_MEMBERS

ROLES = ("manager", "worker")
MAX_ADDRESS = 255


class MemberIn(RequestSchema):
    serverId = serializers.UUIDField()
    role = serializers.ChoiceField(choices=ROLES, required=False, default="worker")
    advertiseAddress = serializers.CharField(
        max_length=MAX_ADDRESS,
        required=False,
        allow_blank=True,
        default="",
        help_text="An IP address or an interface at which the other nodes reach the server. Default: Docker chooses.",
    )


class FormClusterIn(RequestSchema):
    servers = serializers.ListField(child=MemberIn(), max_length=MAX_MEMBERS)


class AdoptSwarmIn(RequestSchema):
    serverId = serializers.UUIDField(help_text="A server whose engine is a manager of the swarm.")


class BuilderIn(RequestSchema):
    serverId = serializers.UUIDField(
        allow_null=True, help_text="A server of the cluster's owner with an agent; null: the manager at work builds."
    )


class BuilderOut(ResponseSchema):
    id = serializers.UUIDField()
    name = serializers.CharField()


class NodeActionIn(RequestSchema):
    action = serializers.ChoiceField(choices=[str(each) for each in NODE_ACTIONS])
    confirmed = serializers.BooleanField(
        required=False, default=False, help_text="Needed where the action has consequences; ask for them first."
    )


class ConsequencesQuery(RequestSchema):
    action = serializers.ChoiceField(choices=[str(each) for each in NODE_ACTIONS])


class ChangeOut(ResponseSchema):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=[str(each) for each in ChangeKind])
    state = serializers.ChoiceField(choices=[str(each) for each in ChangeState])
    serverId = serializers.UUIDField(allow_null=True)
    serverName = serializers.CharField(allow_blank=True)
    nodeId = serializers.CharField(allow_blank=True)
    nodeName = serializers.CharField(allow_blank=True)
    message = serializers.CharField(allow_blank=True)
    requestedBy = serializers.CharField()
    requestedAt = serializers.IntegerField()
    endedAt = serializers.IntegerField(help_text="0 while it has not ended.")


class NodeOut(ResponseSchema):
    id = serializers.CharField()
    hostname = serializers.CharField(allow_blank=True)
    role = serializers.CharField(allow_blank=True)
    leader = serializers.BooleanField()
    reachability = serializers.CharField(allow_blank=True)
    availability = serializers.CharField(allow_blank=True)
    state = serializers.CharField(allow_blank=True)
    message = serializers.CharField(allow_blank=True)
    address = serializers.CharField(allow_blank=True)
    engineVersion = serializers.CharField(allow_blank=True)
    cpus = serializers.FloatField()
    memoryBytes = serializers.IntegerField()
    serverId = serializers.UUIDField(allow_null=True)
    serverName = serializers.CharField(allow_blank=True)
    agentConnected = serializers.BooleanField()
    volumes = serializers.ListField(child=serializers.CharField())


class SwarmOut(ResponseSchema):
    swarmId = serializers.CharField(allow_null=True)
    managers = serializers.IntegerField()
    managersMayFail = serializers.IntegerField(help_text="So many managers may be lost yet with a quorum left.")
    nodesCount = serializers.IntegerField()
    unknown = serializers.CharField(
        allow_blank=True, help_text="Why nothing can be known or changed now; empty when it can."
    )
    toldAt = serializers.IntegerField(help_text="When a manager told of a change last; 0 for never.")
    outside = serializers.ListField(
        child=serializers.CharField(), help_text="Servers of the cluster that are no nodes of it, and why."
    )
