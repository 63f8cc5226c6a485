"""Answers to unary calls, from dataclasses to protobuf."""

from __future__ import annotations

from google.protobuf.json_format import ParseDict

from agents.contracts import common_pb2, runner_pb2
from agents.deployment_state import DeploymentState
from agents.states import Presence
from agents.types import AgentData

_SERVER_STATUS = {
    Presence.PENDING: common_pb2.SERVER_STATUS_PENDING,
    Presence.ONLINE: common_pb2.SERVER_STATUS_CONNECTED,
    Presence.SILENT: common_pb2.SERVER_STATUS_CONNECTED,
    Presence.LOST: common_pb2.SERVER_STATUS_DISCONNECTED,
    Presence.REVOKED: common_pb2.SERVER_STATUS_DISCONNECTED,
}


def agent_to_wire(agent: AgentData) -> runner_pb2.AgentStatusData:
    server = ParseDict(dict(agent.info.server_info), runner_pb2.ServerInfo(), ignore_unknown_fields=True)
    seen = agent.last_seen_at
    return runner_pb2.AgentStatusData(
        agent_id=str(agent.id),
        server_id=str(agent.server_id),
        status=_SERVER_STATUS[agent.presence],
        agent_info=runner_pb2.AgentInfo(
            version=agent.info.version,
            os=agent.info.os,
            architecture=agent.info.architecture,
            server_info=server,
        ),
        health=runner_pb2.AgentHealth(
            connected=agent.presence is Presence.ONLINE,
            cpu_usage=agent.health.cpu_usage,
            memory_usage=agent.health.memory_usage,
            disk_usage=agent.health.disk_usage,
            active_containers=agent.health.active_containers,
            last_heartbeat=0 if seen is None else int(seen.timestamp() * 1000),
        ),
    )


def deployment_to_wire(state: DeploymentState) -> runner_pb2.DeploymentStatusData:
    return runner_pb2.DeploymentStatusData(
        deployment_id=str(state.deployment_id),
        status=common_pb2.DeploymentStatus.Name(state.status),
        service_statuses=[
            runner_pb2.ServiceStatus(
                service_id=service.service_id,
                service_name=service.service_name,
                status=common_pb2.Status.Name(service.status),
                replicas=service.replicas,
                healthy_replicas=service.healthy_replicas,
                error_message=service.error_message,
                deployed_at=service.deployed_at,
            )
            for service in state.services
        ],
        current_stage=common_pb2.DeploymentStage.Name(state.stage),
        progress_percent=state.percent,
        error_message=state.error_message,
    )
