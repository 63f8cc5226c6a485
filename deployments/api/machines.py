"""REST for servers and clusters: where to deploy."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from rest_framework.request import Request
from rest_framework.response import Response

from agents.states import Presence
from agents.types import ClusterData, ServerData
from deployments.api.common import Door, checked, ok
from deployments.api.once import once
from deployments.api.serializers import ClusterIn, ServerIn
from deployments.events import epoch_ms
from deployments.services import machines

# ServerStatus of the contract.
CONNECTED, DISCONNECTED, PENDING = 1, 2, 4
STATUS_OF_PRESENCE = {Presence.ONLINE: CONNECTED, Presence.PENDING: PENDING}


class Servers(Door):
    @once()
    def post(self, request: Request) -> Response:
        body = checked(ServerIn, request.data)
        added = machines.add_server(
            caller=self.caller,
            server_id=uuid4(),
            name=body["name"],
            host=body.get("host", ""),
            cluster_id=body.get("clusterId"),
        )
        return ok({"server": server_shape(added)}, status=201)

    def get(self, request: Request) -> Response:
        found = machines.machines_of(self.caller)
        servers = [server_shape(server) for server in found.servers]
        return ok({"data": {"servers": servers, "clusters": [cluster_shape(each) for each in found.clusters]}})


class Clusters(Door):
    @once()
    def post(self, request: Request) -> Response:
        body = checked(ClusterIn, request.data)
        added = machines.add_cluster(caller=self.caller, cluster_id=uuid4(), name=body["name"])
        return ok({"cluster": cluster_shape(added)}, status=201)

    def get(self, request: Request) -> Response:
        return ok({"data": {"clusters": [cluster_shape(each) for each in machines.machines_of(self.caller).clusters]}})


class EnrolmentTokens(Door):
    """POST answers with a token that enrols one agent, once. It is shown here and never again."""

    @once(keep=False)
    def post(self, request: Request, server_id: UUID) -> Response:
        issued = machines.issue_enrolment_token(caller=self.caller, server_id=server_id)
        shape = {"token": issued.token, "serverId": str(issued.server_id), "expiresAt": epoch_ms(issued.expires_at)}
        return ok({"data": shape}, status=201)


def cluster_shape(cluster: ClusterData) -> dict[str, Any]:
    return {
        "id": str(cluster.id),
        "userId": str(cluster.owner_id),
        "name": cluster.name,
        "serversCount": cluster.servers_count,
    }


def server_shape(server: ServerData) -> dict[str, Any]:
    return {
        "id": str(server.id),
        "userId": str(server.owner_id),
        "name": server.name,
        "host": server.host,
        "clusterId": str(server.cluster_id) if server.cluster_id else None,
        "agentId": str(server.agent_id) if server.agent_id else None,
        "status": STATUS_OF_PRESENCE.get(server.presence, DISCONNECTED),
        "presence": str(server.presence),
    }
