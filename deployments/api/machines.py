"""REST for servers: where to deploy."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from rest_framework.request import Request
from rest_framework.response import Response

from agents.states import Presence
from agents.types import ServerData
from deployments.api.common import Door, checked, ok
from deployments.api.serializers import ServerIn
from deployments.events import epoch_ms
from deployments.services import machines

# ServerStatus of the contract.
CONNECTED, DISCONNECTED, PENDING = 1, 2, 4
STATUS_OF_PRESENCE = {Presence.ONLINE: CONNECTED, Presence.PENDING: PENDING}


class Servers(Door):
    def post(self, request: Request) -> Response:
        body = checked(ServerIn, request.data)
        added = machines.add_server(caller=self.caller, server_id=uuid4(), name=body["name"], host=body.get("host", ""))
        return ok({"server": server_shape(added)}, status=201)

    def get(self, request: Request) -> Response:
        found = machines.machines_of(self.caller)
        clusters = [{"id": str(c.id), "name": c.name, "serversCount": c.servers_count} for c in found.clusters]
        return ok({"data": {"servers": [server_shape(server) for server in found.servers], "clusters": clusters}})


class EnrolmentTokens(Door):
    """POST answers with a token that enrols one agent, once. It is shown here and never again."""

    def post(self, request: Request, server_id: UUID) -> Response:
        issued = machines.issue_enrolment_token(caller=self.caller, server_id=server_id)
        shape = {"token": issued.token, "serverId": str(issued.server_id), "expiresAt": epoch_ms(issued.expires_at)}
        return ok({"data": shape}, status=201)


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
