"""REST for clusters as Swarms: form, adopt, join, nodes and join tokens."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.base_view import BaseView, success, validated
from deployments.api.idempotency_key import idempotent
from deployments.api.schemas.cluster_schemas import (
    AdoptSwarmIn,
    ChangeOut,
    ConsequencesQuery,
    FormClusterIn,
    MemberIn,
    NodeActionIn,
    NodeOut,
    SwarmOut,
)
from deployments.api.schemas.openapi import documented, enveloped_data
from deployments.data.cluster_types import ChangeKind, ChangeRecord, ClusterView, Member, NodeLine
from deployments.event_types import epoch_ms
from deployments.services.clusters import cluster_requests, cluster_view
from deployments.types import Caller

TAG = "machines"
SwarmAnswer = enveloped_data("SwarmAnswer", swarm=SwarmOut(), nodes=NodeOut(many=True), changes=ChangeOut(many=True))
ChangesAnswer = enveloped_data("ClusterChangesAnswer", changes=ChangeOut(many=True))
ConsequencesAnswer = enveloped_data(
    "ConsequencesAnswer", consequences=serializers.ListField(child=serializers.CharField())
)


class ClusterSwarm(BaseView):
    @documented(
        "getSwarm", "Get the nodes of a cluster, as its managers report them, and its changes", tag=TAG,
        answers={200: SwarmAnswer},
    )  # fmt: skip
    def get(self, request: Request, cluster_id: UUID) -> Response:
        return seen(self.caller, cluster_id)


class FormCluster(BaseView):
    @documented(
        "formCluster",
        "Make servers a Docker Swarm: the first initializes it, the others join",
        tag=TAG,
        takes=FormClusterIn,
        answers={202: ChangesAnswer},
        key=True,
    )
    @idempotent()
    def post(self, request: Request, cluster_id: UUID) -> Response:
        body = validated(FormClusterIn, request.data)
        members = [member_in(each) for each in body["servers"]]
        return accepted(
            cluster_requests.form_cluster(
                caller=self.caller, cluster_id=cluster_id, members=members, change_id=uuid4(), at=timezone.now()
            )
        )


class JoinCluster(BaseView):
    @documented(
        "joinCluster",
        "Join a server to a cluster that is formed",
        tag=TAG,
        takes=MemberIn,
        answers={202: ChangesAnswer},
        key=True,
    )
    @idempotent()
    def post(self, request: Request, cluster_id: UUID) -> Response:
        member = member_in(validated(MemberIn, request.data))
        return accepted(
            cluster_requests.join_cluster(
                caller=self.caller, cluster_id=cluster_id, member=member, change_id=uuid4(), at=timezone.now()
            )
        )


class AdoptSwarm(BaseView):
    @documented(
        "adoptSwarm",
        "Make the existing Docker Swarm of a server the cluster",
        tag=TAG,
        takes=AdoptSwarmIn,
        answers={200: SwarmAnswer},
        key=True,
    )
    @idempotent()
    def post(self, request: Request, cluster_id: UUID) -> Response:
        server_id = validated(AdoptSwarmIn, request.data)["serverId"]
        cluster_requests.adopt_swarm(
            caller=self.caller, cluster_id=cluster_id, server_id=server_id, change_id=uuid4(), at=timezone.now()
        )
        return seen(self.caller, cluster_id)


class RotateJoinTokens(BaseView):
    @documented(
        "rotateJoinTokens",
        "Replace both join tokens of a cluster; nodes in it stay",
        tag=TAG,
        answers={202: ChangesAnswer},
        key=True,
    )
    @idempotent()
    def post(self, request: Request, cluster_id: UUID) -> Response:
        return accepted(
            cluster_requests.rotate_tokens(
                caller=self.caller, cluster_id=cluster_id, change_id=uuid4(), at=timezone.now()
            )
        )


class ClusterNode(BaseView):
    @documented(
        "getNodeConsequences",
        "Get what follows from an action on a node; refused where it cannot be done",
        tag=TAG,
        query=ConsequencesQuery,
        answers={200: ConsequencesAnswer},
    )
    def get(self, request: Request, cluster_id: UUID, node_id: str) -> Response:
        action = ChangeKind(validated(ConsequencesQuery, request.query_params)["action"])
        found = cluster_requests.consequences_of(
            caller=self.caller, cluster_id=cluster_id, node_id=node_id, action=action
        )
        return success({"data": {"consequences": list(found)}})

    @documented(
        "changeNode",
        "Drain, activate, promote, demote or remove a node, or have it leave",
        tag=TAG,
        takes=NodeActionIn,
        answers={202: ChangesAnswer},
        key=True,
    )
    @idempotent()
    def post(self, request: Request, cluster_id: UUID, node_id: str) -> Response:
        body = validated(NodeActionIn, request.data)
        return accepted(
            cluster_requests.change_node(
                caller=self.caller,
                cluster_id=cluster_id,
                node_id=node_id,
                action=ChangeKind(body["action"]),
                confirmed=body["confirmed"],
                change_id=uuid4(),
                at=timezone.now(),
            )
        )


def member_in(body: Mapping[str, Any]) -> Member:
    return Member(
        server_id=body["serverId"], manager=body["role"] == "manager", address=body["advertiseAddress"].strip()
    )


def accepted(changes: Iterable[ChangeRecord]) -> Response:
    return success({"data": {"changes": [change_shape(each) for each in changes]}}, status=202)


def seen(caller: Caller, cluster_id: UUID) -> Response:
    view = cluster_view.view_cluster(caller=caller, cluster_id=cluster_id)
    shapes = {
        "swarm": swarm_shape(view),
        "nodes": [node_shape(each) for each in view.nodes],
        "changes": [change_shape(each) for each in view.changes],
    }
    return success({"data": shapes})


def swarm_shape(view: ClusterView) -> dict[str, Any]:
    return {
        "swarmId": view.swarm_id,
        "managers": view.managers,
        "managersMayFail": view.may_fail,
        "nodesCount": view.nodes_count,
        "unknown": view.trouble,
        "toldAt": epoch_ms(view.told_at),
        "outside": list(view.outside),
    }


def node_shape(line: NodeLine) -> dict[str, Any]:
    facts = line.facts
    return {
        "id": facts.id,
        "hostname": facts.hostname,
        "role": facts.role,
        "leader": facts.leader,
        "reachability": facts.reachability,
        "availability": facts.availability,
        "state": facts.state,
        "message": facts.message,
        "address": facts.address,
        "engineVersion": facts.engine_version,
        "cpus": facts.cpus,
        "memoryBytes": facts.memory_bytes,
        "serverId": str(line.server_id) if line.server_id else None,
        "serverName": line.server_name,
        "agentConnected": line.connected,
        "volumes": list(line.volumes),
    }


def change_shape(change: ChangeRecord) -> dict[str, Any]:
    return {
        "id": str(change.id),
        "kind": str(change.kind),
        "state": str(change.state),
        "serverId": str(change.server_id) if change.server_id else None,
        "serverName": change.server_name,
        "nodeId": change.node_id,
        "nodeName": change.node_name,
        "message": change.message,
        "requestedBy": change.requested_by,
        "requestedAt": epoch_ms(change.requested_at),
        "endedAt": epoch_ms(change.ended_at),
    }
