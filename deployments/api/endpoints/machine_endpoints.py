"""REST for servers and clusters: where to deploy."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.urls import reverse
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from agents.addresses import host_of
from agents.states import Presence, ServerFilter
from agents.types import ClusterData, EnrolmentTokenData, ServerData
from deployments.api.base_view import BaseView, success, validated
from deployments.api.idempotency_key import idempotent
from deployments.api.parsers import BoundedJSONParser
from deployments.api.schemas import examples
from deployments.api.schemas.openapi import documented, enveloped, enveloped_data
from deployments.api.schemas.requests import ClusterIn, EnrolmentIn, ServerChangeIn, ServerIn, ServersQuery
from deployments.api.schemas.responses import ClusterOut, ServerOut
from deployments.api.schemas.token_responses import EnrolmentOut, EnrolmentTokenOut
from deployments.event_types import epoch_ms
from deployments.services.fleet import machine_changes, machine_list
from deployments.services.installations import installation_requests

# ServerStatus of the contract.
CONNECTED, DISCONNECTED, PENDING, INSTALLING = 1, 2, 4, 5
STATUS_OF_PRESENCE = {Presence.ONLINE: CONNECTED, Presence.PENDING: PENDING}
COLUMNS = {
    "name": "name",
    "host": "host",
    "clusterId": "cluster_id",
    "privilegedAllowed": "privileged_allowed",
    "labels": "labels",
    "drained": "drained",
}
TAG = "machines"
ServerAnswer = enveloped("ServerAnswer", server=ServerOut())
ClusterAnswer = enveloped("ClusterAnswer", cluster=ClusterOut())


class Servers(BaseView):
    @documented(
        "addServer",
        "Add a server; install its agent next",
        tag=TAG,
        takes=ServerIn,
        answers={201: ServerAnswer},
        key=True,
        examples=[examples.SERVER],
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        body = validated(ServerIn, request.data)
        added = machine_list.add_server(
            caller=self.caller,
            server_id=uuid4(),
            name=body["name"],
            host=body.get("host", ""),
            cluster_id=body.get("clusterId"),
        )
        return success({"server": server_shape(added)}, status=201, location=reverse("api-server", args=[added.id]))

    @documented(
        "listServers",
        "List your servers and clusters, by name; of the servers those that match",
        tag=TAG,
        query=ServersQuery,
        answers={200: enveloped_data("ServersAnswer", servers=ServerOut(many=True), clusters=ClusterOut(many=True))},
    )
    def get(self, request: Request) -> Response:
        query = validated(ServersQuery, request.query_params)
        matching = ServerFilter(
            label=query.get("label", ""),
            text=query.get("q", ""),
            version=query.get("version", ""),
            presence=Presence(query["presence"]) if query.get("presence") else None,
            drained=query.get("drained"),
        )
        found = machine_list.servers_matching(caller=self.caller, matching=matching)
        installing = installation_requests.being_installed(server_ids=[server.id for server in found])
        servers = [server_shape(server, installing=server.id in installing) for server in found]
        clusters = machine_list.machines_of(self.caller).clusters
        return success({"data": {"servers": servers, "clusters": [cluster_shape(cluster) for cluster in clusters]}})


class Server(BaseView):
    @documented("getServer", "Get a server", tag=TAG, answers={200: ServerAnswer})
    def get(self, request: Request, server_id: UUID) -> Response:
        found = machine_list.get_server(caller=self.caller, server_id=server_id)
        return success({"server": server_shape(found, installing=is_installing(server_id))})

    @documented(
        "changeServer",
        "Update the given fields of a server",
        tag=TAG,
        takes=ServerChangeIn,
        answers={200: ServerAnswer},
    )
    def patch(self, request: Request, server_id: UUID) -> Response:
        body = validated(ServerChangeIn, request.data)
        changes = {ours: body[theirs] for theirs, ours in COLUMNS.items() if theirs in body}
        changed = machine_changes.change_server(caller=self.caller, server_id=server_id, changes=changes)
        return success({"server": server_shape(changed, installing=is_installing(server_id))})

    @documented("removeServer", "Delete a server that has no agent", tag=TAG, answers={204: None})
    def delete(self, request: Request, server_id: UUID) -> Response:
        machine_changes.remove_server(caller=self.caller, server_id=server_id)
        return Response(status=204)


class Clusters(BaseView):
    @documented(
        "addCluster",
        "Add a cluster; add servers to it one by one",
        tag=TAG,
        takes=ClusterIn,
        answers={201: ClusterAnswer},
        key=True,
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        body = validated(ClusterIn, request.data)
        added = machine_list.add_cluster(caller=self.caller, cluster_id=uuid4(), name=body["name"])
        return success({"cluster": cluster_shape(added)}, status=201, location=reverse("api-cluster", args=[added.id]))

    @documented(
        "listClusters",
        "List your clusters, by name",
        tag=TAG,
        answers={200: enveloped_data("ClustersAnswer", clusters=ClusterOut(many=True))},
    )
    def get(self, request: Request) -> Response:
        return success(
            {"data": {"clusters": [cluster_shape(each) for each in machine_list.machines_of(self.caller).clusters]}}
        )


class Cluster(BaseView):
    @documented("getCluster", "Get a cluster", tag=TAG, answers={200: ClusterAnswer})
    def get(self, request: Request, cluster_id: UUID) -> Response:
        return success(
            {"cluster": cluster_shape(machine_changes.get_cluster(caller=self.caller, cluster_id=cluster_id))}
        )

    @documented("removeCluster", "Delete a cluster; its servers are kept", tag=TAG, answers={204: None})
    def delete(self, request: Request, cluster_id: UUID) -> Response:
        machine_changes.remove_cluster(caller=self.caller, cluster_id=cluster_id)
        return Response(status=204)


class EnrolmentTokens(BaseView):
    parser_classes = (BoundedJSONParser, FormParser, MultiPartParser)
    fresh = ("POST",)

    @documented(
        "listEnrolmentTokens",
        "List the valid enrolment tokens",
        tag=TAG,
        answers={200: enveloped_data("EnrolmentTokensAnswer", tokens=EnrolmentTokenOut(many=True))},
    )
    def get(self, request: Request, server_id: UUID) -> Response:
        tokens = machine_list.list_enrolment_tokens(caller=self.caller, server_id=server_id)
        return success({"data": {"tokens": [enrolment_shape(token) for token in tokens]}})

    @documented(
        "issueEnrolmentToken",
        "Create a token that enrols one agent, once; earlier tokens of the server stop working",
        tag=TAG,
        takes={"application/json": EnrolmentIn},
        answers={201: enveloped("EnrolmentAnswer", data=EnrolmentOut())},
        key=True,
    )
    @idempotent(keep=False)
    def post(self, request: Request, server_id: UUID) -> Response:
        replace = validated(EnrolmentIn, request.data).get("replace", False)
        reached_by = host_of(request.get_host())
        issued = machine_list.issue_enrolment_token(
            caller=self.caller, server_id=server_id, replace=replace, reached_by=reached_by
        )
        shape = {"token": issued.token, "serverId": str(issued.server_id), "expiresAt": epoch_ms(issued.expires_at)}
        return success({"data": shape}, status=201)


class EnrolmentToken(BaseView):
    @documented("endEnrolmentToken", "Revoke an unused token", tag=TAG, answers={204: None})
    def delete(self, request: Request, server_id: UUID, token_id: UUID) -> Response:
        machine_list.end_enrolment_token(caller=self.caller, server_id=server_id, token_id=token_id)
        return Response(status=204)


def enrolment_shape(token: EnrolmentTokenData) -> dict[str, Any]:
    return {
        "id": str(token.id),
        "serverId": str(token.server_id),
        "createdAt": epoch_ms(token.created_at),
        "expiresAt": epoch_ms(token.expires_at),
        "replace": token.may_replace,
    }


def cluster_shape(cluster: ClusterData) -> dict[str, Any]:
    return {
        "id": str(cluster.id),
        "userId": str(cluster.owner_id),
        "name": cluster.name,
        "serversCount": cluster.servers_count,
    }


def is_installing(server_id: UUID) -> bool:
    return bool(installation_requests.being_installed(server_ids=[server_id]))


def server_shape(server: ServerData, *, installing: bool = False) -> dict[str, Any]:
    return {
        "id": str(server.id),
        "userId": str(server.owner_id),
        "name": server.name,
        "host": server.host,
        "clusterId": str(server.cluster_id) if server.cluster_id else None,
        "agentId": str(server.agent_id) if server.agent_id else None,
        "status": INSTALLING if installing else STATUS_OF_PRESENCE.get(server.presence, DISCONNECTED),
        "presence": str(server.presence),
        "privilegedAllowed": server.privileged_allowed,
        "labels": list(server.labels),
        "drainedAt": epoch_ms(server.drained_at),
        "agentVersion": server.agent_version,
    }
