"""REST for agents: the programs on the servers."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from agents.condition import AgentCondition
from agents.types import AgentData
from deployments.api.base_view import BaseView, success, validated
from deployments.api.endpoints.machine_endpoints import DISCONNECTED, STATUS_OF_PRESENCE
from deployments.api.schemas.agent_responses import AgentOut
from deployments.api.schemas.openapi import documented, enveloped, enveloped_data
from deployments.api.schemas.requests import PageQuery
from deployments.api.schemas.responses import PaginationOut
from deployments.event_types import epoch_ms
from deployments.services.fleet import machine_changes
from deployments.wire import pagination_shape

TAG = "machines"


class Agents(BaseView):
    @documented(
        "listAgents",
        "List your agents, the most recently enrolled first",
        tag=TAG,
        query=PageQuery,
        answers={200: enveloped_data("AgentsAnswer", agents=AgentOut(many=True), pagination=PaginationOut())},
    )
    def get(self, request: Request) -> Response:
        query = validated(PageQuery, request.query_params)
        page = machine_changes.list_agents(caller=self.caller, page=query.get("page", 1), limit=query.get("limit", 20))
        agents = [agent_shape(agent) for agent in page.items]
        return success({"data": {"agents": agents, "pagination": pagination_shape(page)}})


class Agent(BaseView):
    fresh = ("DELETE",)

    @documented("getAgent", "Get an agent", tag=TAG, answers={200: enveloped("AgentAnswer", agent=AgentOut())})
    def get(self, request: Request, agent_id: UUID) -> Response:
        return success({"agent": agent_shape(machine_changes.get_agent(caller=self.caller, agent_id=agent_id))})

    @documented("revokeAgent", "Revoke the agent's credential; containers keep running", tag=TAG, answers={204: None})
    def delete(self, request: Request, agent_id: UUID) -> Response:
        machine_changes.revoke_agent(caller=self.caller, agent_id=agent_id)
        return Response(status=204)


def agent_shape(agent: AgentData) -> dict[str, Any]:
    return {
        "id": str(agent.id),
        "serverId": str(agent.server_id),
        "userId": str(agent.owner_id),
        "status": STATUS_OF_PRESENCE.get(agent.presence, DISCONNECTED),
        "presence": str(agent.presence),
        "version": agent.info.version,
        "os": agent.info.os,
        "architecture": agent.info.architecture,
        "serverInfo": dict(agent.info.server_info),
        "health": asdict(agent.health),
        "lastSeenAt": epoch_ms(agent.last_seen_at),
        "clockSkewMs": agent.clock_skew_ms,
        "condition": None if agent.condition is None else condition_shape(agent.condition, at=agent.condition_at),
    }


def condition_shape(condition: AgentCondition, *, at: datetime | None) -> dict[str, Any]:
    return {
        "at": epoch_ms(at),
        "troubles": list(condition.troubles),
        "engineAnswers": condition.engine_answers,
        "engineMessage": condition.engine_message,
        "diskTotalBytes": condition.disk_total,
        "diskFreeBytes": condition.disk_free,
        "fault": condition.fault,
        "stalled": [
            {
                "commandId": command.command_id,
                "deploymentId": command.deployment_id,
                "seconds": command.seconds,
                "step": command.step,
            }
            for command in condition.stalled
        ],
    }
